import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../autoscaler/kubernetes/connection.ts';
import { ResourceClient } from '../../../autoscaler/kubernetes/resource-client.ts';
import type { InferenceFunction } from '../../../autoscaler/operator/inference-function.ts';
import { INFERENCE_FUNCTION } from '../../../autoscaler/operator/inference-function.ts';
import { type ApiServer, newNamespace, openApiServer } from '../../support/kubernetes/api-server.ts';
import { installInferenceFunctions } from '../../support/kubernetes/inference-functions.ts';

describe('what is applied', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await openApiServer();
    await installInferenceFunctions(server);
  }, 120_000);
  afterAll(() => server.close());

  it('and then said no more is gone, whatever was said of the status meanwhile', async () => {
    const namespace = await newNamespace(server);
    const connection = await connect({ kubeconfig: server.kubeconfig, namespace });
    onTestFinished(() => connection.close());
    const client = new ResourceClient<InferenceFunction>(connection, INFERENCE_FUNCTION);
    const metadata = { name: 'f' };
    const spec = { image: 'example/f', slo: { latency: '200ms' } };
    await client.apply({ metadata, spec: { ...spec, maxBatch: 4 } } as InferenceFunction);
    await client.applyStatus({ metadata, status: { phase: 'Ready' } } as InferenceFunction);
    const applied = await client.apply({ metadata, spec } as InferenceFunction);
    expect(applied.spec).not.toHaveProperty('maxBatch');
    expect(applied.status).toMatchObject({ phase: 'Ready' });
  });
});
