import { beforeEach, describe, expect, it } from 'vitest';
import type {
  InferenceFunction,
  InferenceFunctionStatus,
} from '../../../../autoscaler/operator/inference-function.ts';
import { APPLY_PATCH, type ApiObject } from '../../../support/kubernetes/api-requests.ts';
import {
  type DefinitionServer,
  functionObject,
  LEAST_SPEC,
} from '../../../support/kubernetes/definition-server.ts';
import { functionsPath } from '../../../support/kubernetes/inference-functions.ts';
import { needs } from '../../../support/tools.ts';

const READY: InferenceFunctionStatus = {
  observedGeneration: 1,
  phase: 'Ready',
  image: { name: LEAST_SPEC.image, pinned: `registry.example/digits@sha256:${'0'.repeat(64)}` },
  replicas: 2,
  readyReplicas: 1,
  selector: 'infless.io/function=digits',
  instances: [{ config: 'b4 c0.5', ready: 1, starting: 1, draining: 0 }],
  ratePerSecond: 12.5,
  p50: '12.3ms',
  p99: '45.6ms',
  sloAttainmentPercent: 99.9,
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Serving',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    },
  ],
};

/** `status`, which the autoscaler alone writes, and `scale`, by which others set the fewest instances. */
export function subresourceRules(there: () => DefinitionServer | undefined): void {
  let server: DefinitionServer;
  let path: string;

  async function make(name: string, scale: object): Promise<void> {
    path = functionsPath(server.namespace, name);
    await server.requests.delete(path).catch(() => {}); // of a run before, where a test is run again
    await server.create(functionObject(name, { ...LEAST_SPEC, scale }));
  }
  beforeEach(() => {
    server = there()!;
  });

  describe('the status', () => {
    beforeEach(() => make('digits', { minInstances: 1 }));

    it('is written apart from the rest, and counts no generation', async () => {
      const told = await server.requests.patch(`${path}/status`, {
        spec: { maxBatch: 2 },
        metadata: { labels: { x: 'y' } },
        status: READY,
      });
      expect(told.status).toEqual(READY);
      expect(told.metadata).toMatchObject({ generation: 1 });
      expect(told.spec).not.toHaveProperty('maxBatch');
      const changed = await server.requests.patch(path, { spec: { maxBatch: 2 }, status: { phase: 'Idle' } });
      expect(changed).toMatchObject({ metadata: { generation: 2 }, status: READY });
    });

    it('is not written with the object', async () => {
      const object = { ...functionObject('other', { ...LEAST_SPEC }), status: READY };
      expect(await server.create(object, { dryRun: 'All' })).not.toHaveProperty('status');
    });

    it.each([
      ['a phase that is none', { phase: 'Sleeping' }],
      ['two entries of one config', { instances: [READY.instances![0], READY.instances![0]] }],
      ['a condition without a reason', { conditions: [{ ...READY.conditions![0], reason: undefined }] }],
      ['a count that is none', { replicas: 1.5 }],
    ])('is refused with %s', async (_, status) => {
      const answer = server.requests.patch(`${path}/status`, { status });
      await expect(answer).rejects.toMatchObject({ status: 422 });
    });

    it('is applied by its writer, lists by their keys, and emptied', async () => {
      const apply = (fieldManager: string, status: InferenceFunctionStatus): Promise<ApiObject> => {
        const { spec: _, ...object } = functionObject('digits', {});
        return server.requests.patch(`${path}/status`, { ...object, status }, APPLY_PATCH, { fieldManager });
      };
      await apply('writer', READY);
      const condition = { ...READY.conditions![0]!, type: 'Audited' };
      const both = await apply('auditor', { conditions: [condition] });
      expect(both.status).toMatchObject({ phase: 'Ready', conditions: [READY.conditions![0], condition] });
      const empty = { ...READY, instances: [], conditions: [] };
      // a list that loses its last item is not even there until it is applied again
      await apply('writer', empty);
      expect((await apply('writer', empty)).status).toMatchObject({ instances: [], conditions: [condition] });
    });

    it('is what kubectl shows', async (context) => {
      needs(context, 'kubectl');
      await server.requests.patch(`${path}/status`, { status: READY });
      const [head, row] = server.kubectl(['get', 'inf', 'digits']).split('\n');
      expect(head?.split(/\s+/)).toEqual('NAME SLO RATE INSTANCES P99 READY REASON AGE'.split(' '));
      expect(row).toMatch(/^digits +200ms +12\.5 +1 +45\.6ms +True +Serving +\S+$/);
    });
  });

  describe('the scale', () => {
    beforeEach(() => make('digits', { maxInstances: 3 }));

    const scaleTo = (replicas: number): Promise<ApiObject> =>
      server.requests.patch(`${path}/scale`, { spec: { replicas } });

    it('is the fewest instances, the default where nothing was said', async () => {
      const scale = await server.requests.get(`${path}/scale`);
      expect(scale).toMatchObject({ kind: 'Scale', status: { replicas: 0 } });
      expect(scale.spec).toEqual({}); // how 0 is written there
      await server.requests.patch(`${path}/status`, { status: READY });
      expect(await server.requests.get(`${path}/scale`)).toMatchObject({
        status: { replicas: 2, selector: 'infless.io/function=digits' },
      });
    });

    it('changes nothing else, and is a new generation', async () => {
      const before = await server.requests.get(path);
      await scaleTo(3);
      const after = await server.requests.get(path);
      expect(after.metadata.generation).toBe(2);
      expect(after.spec).toEqual({
        ...(before.spec as object),
        scale: { ...(before.spec as InferenceFunction['spec']).scale, minInstances: 3 },
      });
      await scaleTo(0);
      expect(await server.requests.get(path)).toMatchObject({ spec: { scale: { minInstances: 0 } } });
    });

    it('is refused beyond the most, and below nothing', async () => {
      await expect(scaleTo(4)).rejects.toMatchObject({
        status: 422,
        message: expect.stringContaining('minInstances must not exceed maxInstances'),
      });
      await expect(scaleTo(-1)).rejects.toMatchObject({ status: 422 });
      expect(await server.requests.get(path)).toMatchObject({ spec: { scale: { minInstances: 0 } } });
    });

    it('is what kubectl scales', async (context) => {
      needs(context, 'kubectl');
      server.kubectl(['scale', 'inf/digits', '--replicas=2']);
      expect(await server.requests.get(path)).toMatchObject({ spec: { scale: { minInstances: 2 } } });
      expect(() => server.kubectl(['scale', 'inf/digits', '--replicas=4'])).toThrow(/must not exceed/);
    });
  });
}
