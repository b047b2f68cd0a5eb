import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instance } from '../../../autoscaler/cluster/instance.ts';
import type { Placement } from '../../../autoscaler/cluster/snapshot.ts';
import { sumHeldByNode } from '../../../autoscaler/fleet/cluster-snapshot.ts';
import { FreeCapacity } from '../../../autoscaler/planning/placement/free-capacity.ts';
import { candidate, node } from '../../support/planning.ts';
import { needsOf } from '../../support/resources.ts';

const NODES = [node('one', 64, { gpuPercents: [100, 100] }), node('two', 64)];
const MEMORY_BYTES = 1e9;

const instance = fc
  .record({
    node: fc.constantFrom('one', 'two'),
    cpuMillicores: fc.constantFrom(500, 1000, 2000),
    gpuPercent: fc.constantFrom(0, 0, 5, 10),
    gpu: fc.constantFrom(0, 1),
    phase: fc.constantFrom<Instance['phase']>('starting', 'ready', 'draining'),
  })
  .map(
    ({ node: on, cpuMillicores, gpuPercent, gpu, phase }): Instance => ({
      id: 'any',
      functionName: 'f',
      version: 'v1',
      config: { batch: 4, cpuMillicores, gpuPercent: on === 'one' ? gpuPercent : 0 },
      node: on,
      ...(on === 'one' && gpuPercent > 0 ? { gpu } : {}),
      phase,
      url: undefined,
      startedAtMs: 0,
      readyAtMs: undefined,
    }),
  );

function left(placements: readonly Placement[]): (cpu: number, gpu: number) => unknown {
  return (cpu, gpuPercent) => {
    const space = new FreeCapacity(NODES, placements);
    return space.place(candidate(1, cpu, 10, { gpuPercent, memoryBytes: 50e9 }), 1);
  };
}

describe('room held by others', () => {
  it('leaves as much as the instances themselves do, wherever that is', () => {
    fc.assert(
      fc.property(fc.array(instance, { maxLength: 20 }), (instances) => {
        const room = sumHeldByNode(
          instances,
          ({ phase }) => phase === 'draining',
          ({ config }) => needsOf(config, MEMORY_BYTES),
        );
        const apart = (isLeaving: boolean) =>
          instances
            .filter(({ phase }) => (phase === 'draining') === isLeaving)
            .map((each) => ({ ...each, needs: needsOf(each.config, MEMORY_BYTES) }));
        for (const [together, each] of [
          [room.instances, apart(false)],
          [room.leaving, apart(true)],
        ] as const) {
          for (const cpu of [500, 30_000, 50_000, 60_000]) {
            for (const gpu of [0, 50, 90, 100])
              expect(left(together)(cpu, gpu)).toEqual(left(each)(cpu, gpu));
          }
        }
        expect(room.instances.length + room.leaving.length).toBeLessThanOrEqual(8);
      }),
    );
  });
});
