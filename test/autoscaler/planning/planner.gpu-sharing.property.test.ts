import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { givesShare } from '../../../autoscaler/cluster/node.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { GpuSharing } from '../../../profiles/table.ts';
import { candidate, demand, node, PlannedCluster } from '../../support/planning.ts';

const SLICES = { gpuPercents: [300 / 7, 200 / 7, 200 / 7], gpuSharing: 'mig' } as const;

/** Configs that keep the SLO only with a share of a GPU, beside half a core. */
const onShares = (sharing: GpuSharing, percents: readonly number[]) =>
  percents.map((gpuPercent) =>
    candidate(4, 500, 2000 / gpuPercent, { gpuPercent, ...(gpuPercent < 100 ? { sharing } : {}) }),
  );

describe('shares of GPUs', () => {
  it('of slices are had exactly: each slice of two and three sevenths is used', () => {
    const cluster = new PlannedCluster([node('a', 16, SLICES)], percentileRateModel);
    const candidates = onShares('mig', [200 / 7, 300 / 7]);
    cluster.settle([demand('f', 100_000, { candidates })]);
    const used = cluster.instancesOf('f').map(({ config, gpu }) => [config.gpuPercent, gpu]);
    expect(used.toSorted((a, b) => a[1]! - b[1]!)).toEqual([
      [300 / 7, 0],
      [200 / 7, 1],
      [200 / 7, 2],
    ]);
  });

  it('that were measured by MPS are not looked for on slices', () => {
    const cluster = new PlannedCluster([node('a', 16, SLICES)], percentileRateModel);
    const { start } = cluster.step([demand('f', 100, { candidates: onShares('mps', [25, 40]) })]);
    expect(start).toEqual([]);
  });

  it('find a place where another function’s, of another kind, has found none', () => {
    const nodes = [node('a', 4, { ...SLICES, gpuPercents: [200 / 7] }), node('b', 4)];
    const cluster = new PlannedCluster(nodes, percentileRateModel);
    const { start } = cluster.step([
      demand('a', 10, { candidates: onShares('mps', [20]) }),
      demand('b', 10, { candidates: onShares('mig', [200 / 7]) }),
    ]);
    expect(start.map(({ functionName }) => functionName)).toEqual(['b']);
  });

  it('are only ever given by devices of their kind, and a piece to one instance alone', () => {
    const kinds = {
      mps: [10, 25, 50, 100],
      mig: [100 / 7, 200 / 7, 300 / 7, 400 / 7],
      'time-slicing': [12.5, 25, 50, 100],
      whole: [100],
    } as const;
    const kind = fc.constantFrom(...(Object.keys(kinds) as (keyof typeof kinds)[]));
    const piecesOf = (sharing: keyof typeof kinds) =>
      sharing === 'mig' ? [300 / 7, 200 / 7] : sharing === 'time-slicing' ? [25, 25, 25, 25] : [100, 100];
    fc.assert(
      fc.property(
        fc.array(kind, { minLength: 1, maxLength: 4 }),
        fc.array(fc.record({ sharing: kind, rate: fc.integer({ min: 1, max: 5000 }) }), {
          minLength: 1,
          maxLength: 4,
        }),
        (nodeKinds, functions) => {
          const nodes = nodeKinds.map((gpuSharing, index) =>
            node(`n${index}`, 8, { gpuPercents: piecesOf(gpuSharing), gpuSharing }),
          );
          const demands = functions.map(({ sharing, rate }, index) =>
            demand(`f${index}`, rate, { candidates: onShares(sharing, kinds[sharing]) }),
          );
          const cluster = new PlannedCluster(nodes, percentileRateModel);
          cluster.settle(demands, 50);
          const taken = new Map<string, number>();
          for (const { name, candidates } of demands) {
            for (const { config, node: on, gpu } of cluster.instancesOf(name)) {
              const device = nodes.find((each) => each.name === on)!.devices[gpu!]!;
              const own = candidates.find((each) => each.config.gpuPercent === config.gpuPercent)!;
              expect(givesShare(device, own)).toBe(true);
              const isPiece = device.sharing !== 'mps';
              const key = `${on}/${gpu}`;
              taken.set(key, (taken.get(key) ?? 0) + 1);
              if (isPiece) expect(taken.get(key)).toBe(1);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
