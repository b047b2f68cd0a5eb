import { afterAll, beforeAll } from 'vitest';
import { type ApiServer, openApiServer } from '../../../support/kubernetes/api-server.ts';
import { installMetrics } from '../../../support/kubernetes/metrics-server.ts';
import { describePlatform } from '../platform-contract.ts';
import { KubernetesHarness } from './kubernetes-harness.ts';

let server: ApiServer;

beforeAll(async () => {
  server = await openApiServer();
  await installMetrics(server);
}, 240_000);
afterAll(() => server.close());

describePlatform('Kubernetes', () => KubernetesHarness.open(server, true), 120_000);
