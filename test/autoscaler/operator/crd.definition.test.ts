import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { inferenceFunctionCrd } from '../../../autoscaler/operator/crd.ts';
import {
  DefinitionServer,
  definitionKubeconfig,
  NO_DEFINITION_SERVER,
} from '../../support/kubernetes/definition-server.ts';
import { declarationRules } from './definition/declaration.ts';
import { installationRules } from './definition/installation.ts';
import { subresourceRules } from './definition/subresources.ts';
import { upgradeRules } from './definition/upgrade.ts';
import { validationRules } from './definition/validation.ts';

// Together, since there is one definition a server: these must not meet.
describe('the definition of InferenceFunction on a current API server', () => {
  let server: DefinitionServer | undefined;

  beforeAll(async () => {
    if (definitionKubeconfig === undefined) return;
    server = await DefinitionServer.open(definitionKubeconfig);
    const { gitVersion } = await server.requests.get('/version');
    console.log(`definitions are tried on Kubernetes ${gitVersion}`);
  });
  afterAll(async () => {
    await server?.uninstall();
    await server?.close();
  });
  beforeEach((context) => {
    context.skip(server === undefined, NO_DEFINITION_SERVER);
  });

  const there = (): DefinitionServer | undefined => server;
  installationRules(there);
  describe('once installed', () => {
    beforeAll(async () => {
      await server?.uninstall();
      await server?.install(inferenceFunctionCrd());
    }, 60_000);
    validationRules(there);
    subresourceRules(there);
    declarationRules(there);
  });
  upgradeRules(there);
});
