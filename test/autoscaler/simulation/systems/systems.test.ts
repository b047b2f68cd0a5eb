import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../autoscaler/latency/candidate.ts';
import { NodeSpace } from '../../../../autoscaler/simulation/systems/baseline/node-space.ts';
import { uniformConfigs } from '../../../../autoscaler/simulation/systems/baseline/uniform-config.ts';
import { batchSizes, chooseBatching } from '../../../../autoscaler/simulation/systems/batch-system.ts';
import {
  greedyChoice,
  queueRule,
  resourceEfficiency,
} from '../../../../autoscaler/simulation/systems/infless-system.ts';
import { MeanLevel, podsByConcurrency } from '../../../../autoscaler/simulation/systems/knative-system.ts';
import {
  replicasByRate,
  targetPerSecond,
} from '../../../../autoscaler/simulation/systems/openfaas-system.ts';
import { candidate } from '../../../support/planning.ts';
import { nodeCapacity } from '../../../support/resources.ts';

const FLAT = { name: 'node', cpuMillicores: 10_000, memoryBytes: 1e12, gpuPercents: [100] };
const NODE = nodeCapacity(FLAT);

describe('infless', () => {
  it('weighs what a config carries per price against what it leaves of the node', () => {
    // β·c + g = 2·64 + 10·142 = 1548; the node: 10·64 + 100·142 = 14840
    const each = candidate(4, 2000, 50, { gpuPercent: 10 });
    const [place] = new NodeSpace([NODE]).placesFor(each);
    expect(resourceEfficiency(each, 80, place!.node)).toBeCloseTo(80 / 1548 / (1.001 - 1548 / 14_840), 12);
  });

  it('takes the largest batch whose instance would be full enough', () => {
    const candidates = [candidate(1, 1000, 20), candidate(4, 1000, 50), candidate(8, 1000, 90)];
    const choose = (missing: number) =>
      greedyChoice(candidates, 200, missing, new NodeSpace([NODE]))?.candidate.config.batch;
    expect(choose(100)).toBe(8); // r_low = ⌈1/0.11⌉·8 = 80
    expect(choose(79)).toBe(4); // r_low = ⌈1/0.15⌉·4 = 28
    expect(choose(27)).toBe(1);
  });

  it('takes the tighter of two nodes, and nothing where nothing fits', () => {
    const small = nodeCapacity({ ...FLAT, name: 'small', cpuMillicores: 1000, gpuPercents: [] });
    const choice = greedyChoice([candidate(1, 1000, 20)], 200, 10, new NodeSpace([NODE, small]));
    expect(choice?.placement.node).toBe('small');
    expect(greedyChoice([candidate(1, 20_000, 20)], 200, 10, new NodeSpace([NODE]))).toBeUndefined();
  });

  it('lets batches wait as long, and as many wait, as can be in time', () => {
    expect(queueRule(candidate(4, 1000, 50), 200)).toEqual({ batchTimeoutMs: 150, queueLimit: 12 });
    expect(queueRule(candidate(8, 1000, 100), 200)).toEqual({ batchTimeoutMs: 100, queueLimit: 8 });
    expect(queueRule(candidate(1, 1000, 150), 200)).toEqual({ batchTimeoutMs: 0, queueLimit: 1 });
  });
});

describe('batch', () => {
  it('knows how large batches are', () => {
    expect(batchSizes(1, 5)).toEqual([1]);
    const [one, two, three] = batchSizes(3, 0.7);
    expect(one).toBeCloseTo(Math.exp(-0.7), 12);
    expect(two).toBeCloseTo(0.7 * Math.exp(-0.7), 12);
    expect(one! + two! + three!).toBeCloseTo(1, 12);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.double({ min: 0, max: 600, noNaN: true }),
        (largest, expected) => {
          const sizes = batchSizes(largest, expected);
          expect(sizes).toHaveLength(largest);
          expect(sizes.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 9);
          expect(Math.min(...sizes)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  const CANDIDATES = [1, 2, 4, 8, 16].flatMap((batch) =>
    [1000, 4000].map((cpuMillicores) =>
      candidate(batch, cpuMillicores, ((20 + 5 * batch) * 2000) / (1000 + cpuMillicores)),
    ),
  );
  const executionMs = ({ config, meanMs }: Candidate, requests: number): number =>
    (meanMs * (20 + 5 * requests)) / (20 + 5 * config.batch);

  it('makes larger batches of more requests, never such that one is late', () => {
    const choices = [1, 10, 100, 1000].map((rate) => chooseBatching(CANDIDATES, executionMs, 200, rate)!);
    for (const { candidate: each, timeoutMs } of choices)
      expect(timeoutMs + each.tailMs).toBeLessThanOrEqual(200);
    const costs = choices.map(({ costPerRequest }) => costPerRequest);
    expect(costs).toEqual(costs.toSorted((a, b) => b - a));
    expect(choices.at(-1)!.candidate.config.batch).toBe(16);
    expect(choices[0]!.candidate.config.cpuMillicores).toBe(1000);
  });

  it('finds nothing where nothing is quick enough', () => {
    expect(chooseBatching(CANDIDATES, executionMs, 5, 10)).toBeUndefined();
  });
});

describe('openfaas', () => {
  it('has a replica for each 90 % of a target', () => {
    expect([0, 9, 4.5, 90].map((rate) => replicasByRate(rate, 10))).toEqual([0, 1, 0.5, 10]);
  });

  it('has for its target what one replica carries within the SLO', () => {
    // w = 180, η = ln 100 / 180 = 0.02558, λ = η / (e^(20·η) − 1)
    expect(targetPerSecond(candidate(1, 1000, 20), 200, 99)).toBeCloseTo(38.33, 1);
    expect(targetPerSecond(candidate(1, 1000, 200), 200, 99)).toBe(0);
    const rates = [10, 20, 50, 100, 150].map((ms) => targetPerSecond(candidate(1, 1000, ms), 200, 99));
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
    for (const [index, ms] of [10, 20, 50, 100, 150].entries()) expect(rates[index]).toBeLessThan(1000 / ms);
  });
});

describe('knative', () => {
  it('gives pods the cheapest size that leaves time to wait for one request, then the next', () => {
    const candidates = [
      candidate(1, 1000, 90),
      candidate(1, 2000, 60),
      candidate(1, 500, 150),
      candidate(8, 1000, 20),
    ];
    const coresOf = (sloMs: number) =>
      uniformConfigs(candidates, sloMs).map(({ config }) => config.cpuMillicores);
    expect(coresOf(200)).toEqual([1000, 2000]); // 90 < 2·60, and 150 is too slow
    expect(coresOf(100)).toEqual([2000]); // none is: the quickest
    expect(uniformConfigs([candidate(8, 1000, 20)], 100)).toEqual([]);
    expect(uniformConfigs([candidate(8, 1000, 20)], 100, true)).toHaveLength(1);
  });

  it('follows the mean of 60 seconds at 70 % of one request a pod', () => {
    expect(podsByConcurrency(7, 7, 10, 0, undefined)).toEqual({ pods: 10, panic: undefined });
    expect(podsByConcurrency(7.1, 7, 10, 0, undefined).pods).toBe(11);
  });

  it('at most halves the pods at once', () => {
    expect(podsByConcurrency(0, 0, 10, 0, undefined).pods).toBe(5);
    expect(podsByConcurrency(0, 0, 1, 0, undefined).pods).toBe(0);
  });

  it('panics when six seconds ask for twice the pods, and calms down 60 seconds after the last reason', () => {
    const first = podsByConcurrency(3, 14, 10, 1000, undefined);
    expect(first).toEqual({ pods: 20, panic: { sinceMs: 1000, pods: 20 } });
    const calmer = podsByConcurrency(3, 4, 20, 50_000, first.panic);
    expect(calmer).toEqual({ pods: 20, panic: { sinceMs: 1000, pods: 20 } });
    expect(podsByConcurrency(3, 4, 20, 62_000, calmer.panic)).toEqual({ pods: 10, panic: undefined });
  });

  it('averages the concurrency over whole seconds', () => {
    const level = new MeanLevel(60_000, 0);
    level.set(4, 500);
    level.set(0, 2_000);
    expect(level.over(2_000, 2_000)).toBeCloseTo(3, 12); // 4 for 1.5 of 2 s
    expect(level.over(6_000, 6_500)).toBeCloseTo(1, 12);
    expect(level.over(6_000, 500_000)).toBe(0);
  });
});

describe('node space', () => {
  it('takes the GPU with the least that is enough, and gives back what was taken', () => {
    const space = new NodeSpace([nodeCapacity({ ...FLAT, gpuPercents: [100, 40, 20] })]);
    const each = candidate(1, 1000, 10, { gpuPercent: 30 });
    const placement = space.bestFit(each)!;
    expect(placement.gpu).toBe(1);
    space.take(placement);
    expect(space.bestFit(each)?.gpu).toBe(0);
    space.giveBack(placement);
    expect(space.bestFit(each)?.gpu).toBe(1);
  });
});
