import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../../autoscaler/kubernetes/connection.ts';
import { inferenceFunctionCrd } from '../../../../autoscaler/operator/crd.ts';
import { FunctionObjects } from '../../../../autoscaler/operator/function-objects.ts';
import { inferenceFunctionSpecSchema } from '../../../../autoscaler/operator/inference-function.ts';
import { systemClock } from '../../../../models/base/clock.ts';
import { packageRoot } from '../../../../models/base/package.ts';
import type { ApiObject } from '../../../support/kubernetes/api-requests.ts';
import {
  type DefinitionServer,
  functionObject,
  LEAST_SPEC,
} from '../../../support/kubernetes/definition-server.ts';
import { functionsPath } from '../../../support/kubernetes/inference-functions.ts';
import { withValue } from '../../../support/kubernetes/schema-nodes.ts';
import { needs, runTool } from '../../../support/tools.ts';
import { definitionsIn } from './installation.ts';

const DEPLOY = join(packageRoot, 'autoscaler/deploy');
const FILE = join(DEPLOY, 'chart/crds/crd.yaml');
const SOON = { timeout: 30_000, interval: 50 };

/** Functions as they were declared before, and what they are to be afterwards. */
const STORED = [
  { name: 'least', before: LEAST_SPEC, after: LEAST_SPEC },
  {
    name: 'scaled',
    before: { ...LEAST_SPEC, scale: { minInstances: 2, maxInstances: 3 }, maxBatch: 8 },
    after: { ...LEAST_SPEC, scale: { minInstances: 2, maxInstances: 3 }, maxBatch: 8 },
  },
  { name: 'forgotten', before: { ...LEAST_SPEC, replicas: 2 }, after: LEAST_SPEC },
  {
    name: 'impossible',
    before: { ...LEAST_SPEC, scale: { minInstances: 5, maxInstances: 3 } },
    after: { ...LEAST_SPEC, scale: { minInstances: 5, maxInstances: 3 } },
  },
];

/**
 * A definition of before: without fields that have come since, with one that is gone, and without any rule,
 * since a Kubernetes before 1.23 drops those.
 */
function olderDefinition(): object {
  const { spec, ...definition } = inferenceFunctionCrd() as { spec: { versions: object[] } };
  const fields = ['schema', 'openAPIV3Schema', 'properties', 'spec', 'properties'];
  const scale = [...fields, 'scale'];
  const changes: readonly (readonly [readonly string[], unknown])[] = [
    [[...scale, 'x-kubernetes-validations'], undefined],
    [[...scale, 'properties', 'weight'], undefined],
    [[...scale, 'properties', 'policy'], undefined],
    [[...fields, 'late'], undefined],
    [[...fields, 'limits'], undefined],
    [[...fields, 'replicas'], { type: 'integer' }],
  ];
  const versions = spec.versions.map((version) =>
    changes.reduce((changed, [path, value]) => withValue(changed, path, value), version),
  );
  return { ...definition, spec: { ...spec, versions } };
}

/** A definition takes the place of an older one while functions are stored. */
export function upgradeRules(there: () => DefinitionServer | undefined): void {
  describe('an upgrade', () => {
    let server: DefinitionServer;
    let before: ReadonlyMap<string | undefined, ApiObject>;
    beforeEach(async (context) => {
      needs(context, 'kubectl');
      server = there()!;
      await server.uninstall();
    });

    async function stored(): Promise<ReadonlyMap<string | undefined, ApiObject>> {
      const items = await server.requests.items(functionsPath(server.namespace));
      return new Map(items.map((item) => [item.metadata.name, item]));
    }

    async function store(): Promise<void> {
      for (const { name, before } of STORED) {
        await server.create(functionObject(name, before));
        const status = { observedGeneration: 1, phase: 'Idle', instances: [] };
        await server.requests.patch(`${functionsPath(server.namespace, name)}/status`, { status });
      }
      before = await stored();
      expect(before.get('impossible')).toMatchObject({ spec: { scale: { minInstances: 5 } } });
    }

    /**
     * Resolves once the new definition is what objects are read by; in between they cannot even be listed.
     */
    async function upgraded(): Promise<void> {
      const { policy } = inferenceFunctionSpecSchema.parse(LEAST_SPEC).scale;
      const least = async (): Promise<ApiObject | undefined> => (await stored()).get('least');
      await expect.poll(least, SOON).toMatchObject({ spec: { scale: { policy } } });
    }

    async function expectKept(): Promise<void> {
      const after = await stored();
      expect([...after.keys()].sort()).toEqual(STORED.map(({ name }) => name).sort());
      for (const { name, after: spec } of STORED) {
        const { metadata, status, ...object } = after.get(name)!;
        expect(object.spec, name).toEqual(inferenceFunctionSpecSchema.parse(spec));
        expect(status).toEqual(before.get(name)!.status);
        expect(metadata.uid).toBe(before.get(name)!.metadata.uid);
        expect(metadata.generation).toBe(1);
      }
    }

    it('of what Helm has installed, by the command of the docs', async () => {
      await server.install(olderDefinition(), 'helm');
      await store();
      const apply = ['apply', '--server-side', '-f', FILE];
      expect(() => server.kubectl(apply)).toThrow(/conflict with "helm"/); // hence the flag
      expect(server.kubectl([...apply, '--force-conflicts'])).toMatch(/ serverside-applied$/m);
      await upgraded();
      await expectKept();
      expect(server.kubectl(apply)).toMatch(/ serverside-applied$/m); // the next one needs no force
    });

    it('of what kustomize has installed', async () => {
      expect(server.kubectl(['apply', '-f', '-'], JSON.stringify(olderDefinition()))).toMatch(/ created$/m);
      await server.served();
      await store();
      const [definition] = definitionsIn(runTool('kubectl', 'kustomize', join(DEPLOY, 'base')));
      expect(server.kubectl(['apply', '-f', '-'], JSON.stringify(definition))).toMatch(/ configured$/m);
      await upgraded();
      await expectKept();
    });

    it('leaves a function that breaks a new rule to be read, written of, and mended', async () => {
      await server.install(olderDefinition());
      await store();
      server.kubectl(['apply', '--server-side', '--force-conflicts', '-f', FILE]);
      await upgraded();
      const path = functionsPath(server.namespace, 'impossible');
      const labelled = await server.requests.patch(path, { metadata: { labels: { team: 'vision' } } });
      expect(labelled.spec).toMatchObject({ scale: { minInstances: 5, maxInstances: 3 } });
      const told = await server.requests.patch(`${path}/status`, { status: { phase: 'Broken' } });
      expect(told.status).toMatchObject({ phase: 'Broken' });
      const change = (scale: object): Promise<ApiObject> => server.requests.patch(path, { spec: { scale } });
      await expect(change({ minInstances: 4 })).rejects.toMatchObject({ status: 422 });
      await expect(change({ minInstances: 3 })).resolves.toMatchObject({
        spec: { scale: { minInstances: 3, maxInstances: 3 } },
      });
    });

    it('is followed by an autoscaler that was there before', async () => {
      await server.install(olderDefinition());
      await store();
      const connection = await connect({ kubeconfig: server.kubeconfig, namespace: server.namespace });
      onTestFinished(() => connection.close());
      const logger = pino({ level: 'silent' });
      const objects = new FunctionObjects(connection, { clock: systemClock, logger });
      await objects.open(() => {});
      onTestFinished(() => objects.close());
      expect(objects.all()).toHaveLength(STORED.length);
      server.kubectl(['apply', '--server-side', '--force-conflicts', '-f', FILE]);
      await upgraded();
      const declared = { ...LEAST_SPEC, limits: { cpu: '500m' } };
      const written = await objects.store({ metadata: { name: 'least' }, spec: declared });
      expect(written.spec).toEqual(inferenceFunctionSpecSchema.parse(declared));
      await server.requests.delete(functionsPath(server.namespace, 'scaled'));
      await expect.poll(() => objects.get('scaled'), SOON).toBeUndefined();
      expect(objects.get('least')?.spec.limits).toEqual({ cpu: '500m' });
    });
  });
}
