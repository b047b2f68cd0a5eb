import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeCapacity } from '../../../../autoscaler/cluster/node.ts';
import { priceOf } from '../../../../autoscaler/cluster/price.ts';
import type { Candidate } from '../../../../autoscaler/latency/candidate.ts';
import { ServiceTimes } from '../../../../autoscaler/latency/service-times.ts';
import { nearestFeasibleSloMs } from '../../../../autoscaler/planning/capacity/feasibility.ts';
import { paperRateModel } from '../../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../../autoscaler/planning/capacity/percentile-rates.ts';
import {
  type Explanation,
  explain,
  type InstanceSet,
} from '../../../../autoscaler/planning/explain/explain.ts';
import { explanationReport } from '../../../../autoscaler/planning/explain/explanation-report.ts';
import { cheapestAt, costOfSlo, nextCheaperSlo } from '../../../../autoscaler/planning/explain/slo-cost.ts';
import { type Need, setsByPrice } from '../../../../autoscaler/planning/explain/uniform-sets.ts';
import { fitOn, without } from '../../../../autoscaler/planning/placement/room-for.ts';
import { planCluster } from '../../../../autoscaler/planning/planner.ts';
import { renderExplanation } from '../../../../autoscaler/what-if/report/explanation-text.ts';
import { amountsOf } from '../../../../models/base/resources.ts';
import { configKey } from '../../../../profiles/config.ts';
import { cell, table } from '../../../profiles/sample-table.ts';
import { CANDIDATES, candidate, demand, node } from '../../../support/planning.ts';
import { nodeCapacity } from '../../../support/resources.ts';

function need(change: Partial<Need> = {}): Need {
  return {
    candidates: CANDIDATES,
    slo: { sloMs: 200, percentile: 99, arrivalCv: 1 },
    rates: percentileRateModel,
    ratePerSecond: 100,
    fewest: 1,
    ...change,
  };
}

/** A demand for which the fixture's table has something cheaper at a looser SLO. */
const TIGHT: Partial<Need> = { slo: { sloMs: 100, percentile: 99, arrivalCv: 1 }, ratePerSecond: 300 };

interface Asked extends Partial<Need> {
  readonly maxInstances?: number;
  /** Empty ones; default: as much as it takes. */
  readonly nodes?: readonly NodeCapacity[];
}

/** Explains what is decided for a function alone. */
function explained({ maxInstances = 100, nodes = ROOMY, ...change }: Asked = {}): Explanation {
  const all = need(change);
  const { ratePerSecond, slo, candidates, rates } = all;
  const asked = demand('f', ratePerSecond, { ...slo, candidates, warmInstances: all.fewest, maxInstances });
  const cluster = { nodes, instances: [], leaving: [] };
  const decision = planCluster({ demands: [asked], cluster, rates }).functions[0]!;
  return explain({ ...all, decision });
}

const ROOMY = [node('roomy', 1e6, { memoryBytes: 1e18, gpuPercents: new Array<number>(1000).fill(100) })];

function sizeOf({ parts }: InstanceSet): number {
  return parts.reduce((sum, { instances }) => sum + instances, 0);
}

function keyOf({ config }: Candidate): string {
  return configKey(config);
}

const anyNeed = fc
  .record({
    sloMs: fc.integer({ min: 60, max: 2000 }),
    arrivalCv: fc.constantFrom(1, 2),
    ratePerSecond: fc.double({ min: 0, max: 3000, noNaN: true }),
    fewest: fc.integer({ min: 0, max: 3 }),
    rates: fc.constantFrom(percentileRateModel, paperRateModel),
  })
  .map(({ sloMs, arrivalCv, ...rest }) => need({ slo: { sloMs, percentile: 99, arrivalCv }, ...rest }));

describe('sets of equal instances', () => {
  it('are the fewest that carry the rate, for every config that keeps the SLO, the cheapest first', () => {
    fc.assert(
      fc.property(anyNeed, (each) => {
        const { rates, slo, ratePerSecond, fewest } = each;
        const sets = setsByPrice(each);
        const capacity = (of: Candidate, instances: number): number =>
          rates.capacityPerSecond(Array<Candidate>(instances).fill(of), slo);
        for (const { candidate: of, instances, capacityPerSecond, price } of sets) {
          expect(rates.feasible(of, slo)).toBe(true);
          expect(capacityPerSecond).toBeGreaterThanOrEqual(ratePerSecond);
          expect(capacityPerSecond).toBeCloseTo(capacity(of, instances), 5);
          expect(price).toBe(instances * priceOf(of.config));
          expect(instances).toBeGreaterThanOrEqual(Math.max(1, fewest));
          if (instances > Math.max(1, fewest))
            expect(capacity(of, instances - 1)).toBeLessThan(ratePerSecond);
        }
        const prices = sets.map(({ price }) => price);
        expect(prices).toEqual(prices.toSorted((a, b) => a - b));
      }),
      { numRuns: 60 },
    );
  });

  it('leave out what cannot keep the SLO', () => {
    expect(setsByPrice(need({ slo: { sloMs: 5, percentile: 99, arrivalCv: 1 } }))).toEqual([]);
  });
});

describe('what an SLO costs', () => {
  it('never rises with a looser SLO, and has the own one among its points', () => {
    fc.assert(
      fc.property(anyNeed, (each) => {
        const curve = costOfSlo(each);
        const prices = curve.map(({ set }) => set.price);
        expect(prices).toEqual(prices.toSorted((a, b) => b - a));
        if (setsByPrice(each).length === 0) return;
        const own = curve.find(({ sloMs }) => sloMs === each.slo.sloMs);
        expect(own?.set.price).toBe(setsByPrice(each)[0]!.price);
      }),
      { numRuns: 25 },
    );
  });

  it('begins at the tightest SLO that some config keeps', () => {
    const [tightest, next] = costOfSlo(need());
    expect(tightest!.sloMs).toBe(nearestFeasibleSloMs(CANDIDATES, need().slo, percentileRateModel));
    expect(next!.set.price).toBeLessThan(tightest!.set.price);
    expect(costOfSlo(need({ candidates: [] }))).toEqual([]);
  });

  it('names the first looser SLO at which another config is the cheapest, to the millisecond', () => {
    const tight = need(TIGHT);
    const now = setsByPrice(tight)[0]!;
    const { sloMs, set } = nextCheaperSlo(tight)!;
    expect(keyOf(set.candidate)).not.toBe(keyOf(now.candidate));
    expect(set.price).toBeLessThan(now.price);
    expect(cheapestAt(tight, sloMs)!.price).toBe(set.price);
    expect(keyOf(cheapestAt(tight, sloMs - 1)!.candidate)).toBe(keyOf(now.candidate));
  });

  it('names none where the SLO rules out nothing', () => {
    expect(nextCheaperSlo(need({ candidates: [candidate(1, 1000, 10)] }))).toBeUndefined();
    expect(nextCheaperSlo(need({ slo: { sloMs: 5, percentile: 99, arrivalCv: 1 } }))).toBeUndefined();
  });
});

describe('what binds', () => {
  it('is the tail where a config that the SLO forbids would be cheaper', () => {
    const { constraint, why, chosen, runnerUp, looser, missingPerSecond } = explained(TIGHT);
    expect(constraint).toBe('slo-tail');
    expect(why).toMatch(/^Without the SLO of 100 ms, 5 × b8 c0\.5 would do for \d+ % less: a full batch/);
    expect(chosen!.price).toBeLessThanOrEqual(setsByPrice(need(TIGHT))[0]!.price);
    expect(chosen!.parts.map(({ candidate: part }) => keyOf(part))).not.toContain(
      keyOf(runnerUp!.set.candidate),
    );
    expect(runnerUp!.set.price).toBeGreaterThanOrEqual(chosen!.price);
    expect(runnerUp!.extraShare).toBeGreaterThan(0);
    expect(looser!.set.price).toBeLessThan(chosen!.price);
    expect(missingPerSecond).toBe(0);
  });

  it('is throughput where the SLO rules out nothing cheaper', () => {
    const only = [candidate(1, 1000, 10)];
    const { constraint, runnerUp, looser } = explained({
      candidates: only,
      slo: { sloMs: 5_000, percentile: 99, arrivalCv: 1 },
    });
    expect(constraint).toBe('throughput');
    expect(runnerUp).toBeUndefined();
    expect(looser).toBeUndefined();
  });

  it('is that there is no less than one instance', () => {
    const loose = { sloMs: 60_000, percentile: 99, arrivalCv: 1 };
    const { constraint, chosen } = explained({ ratePerSecond: 0.1, slo: loose });
    expect(constraint).toBe('one-instance');
    expect(sizeOf(chosen!)).toBe(1);
    expect(explained({ ratePerSecond: 0.1, slo: loose, fewest: 3 }).why).toContain(
      'the 3 required instances',
    );
  });

  it('is the number of instances allowed, and then a dearer config is chosen', () => {
    const loose = { slo: { sloMs: 400, percentile: 99, arrivalCv: 1 }, ratePerSecond: 1_000 };
    const free = explained(loose);
    const { constraint, why, chosen } = explained({ ...loose, maxInstances: 4 });
    expect(sizeOf(free.chosen!)).toBeGreaterThan(4);
    expect(constraint).toBe('max-instances');
    expect(why).toContain('would be cheapest, but scale.max allows 4');
    expect(sizeOf(chosen!)).toBeLessThanOrEqual(4);
    expect(chosen!.price).toBeGreaterThan(free.chosen!.price);
  });

  it.each([
    ['cpu', node('n', 2)],
    ['memory', node('n', 64, { memoryBytes: 250e6 })],
  ])('is the %s of the cluster, with what is missing even so', (resource, only) => {
    const { constraint, chosen, missingPerSecond } = explained({ ratePerSecond: 2_000, nodes: [only] });
    expect(constraint).toBe(`cluster-${resource}`);
    expect(missingPerSecond).toBeCloseTo(2_000 - chosen!.capacityPerSecond, 9);
    expect(missingPerSecond).toBeGreaterThan(0);
    expect(chosen!.parts.length).toBeGreaterThan(0);
  });

  it('is the GPUs of the cluster', () => {
    const onGpu = [candidate(8, 1000, 20, { gpuPercent: 60 })];
    const nodes = [node('n', 64, { gpuPercents: [100, 100] })];
    const { constraint, chosen } = explained({ candidates: onGpu, ratePerSecond: 5_000, nodes });
    expect(constraint).toBe('cluster-gpu');
    expect(sizeOf(chosen!)).toBe(2);
  });

  it('says so where nothing fits at all', () => {
    const { chosen, constraint, missingPerSecond } = explained({ nodes: [node('n', 0.1)] });
    expect(chosen).toBeUndefined();
    expect(constraint).toBe('cluster-cpu');
    expect(missingPerSecond).toBe(100);
  });

  it('refuses an impossible SLO with the nearest one', () => {
    expect(() => explained({ slo: { sloMs: 5, percentile: 99, arrivalCv: 1 } })).toThrow(
      'No config of function "f" answers within 5.0 ms at p99',
    );
  });

  it('chooses within every limit, whatever they are', () => {
    const limits = fc.record({
      cores: fc.integer({ min: 1, max: 40 }),
      maxInstances: fc.integer({ min: 1, max: 30 }),
      ratePerSecond: fc.integer({ min: 1, max: 3000 }),
    });
    fc.assert(
      fc.property(limits, ({ cores, maxInstances, ratePerSecond }) => {
        const nodes = [node('a', cores), node('b', 1)];
        const { chosen, missingPerSecond, runnerUp } = explained({ nodes, maxInstances, ratePerSecond });
        expect(sizeOf(chosen!)).toBeLessThanOrEqual(maxInstances);
        for (const { candidate: part, instances } of chosen!.parts)
          expect(instances).toBeLessThanOrEqual(fitOn(part, nodes).instances);
        expect(missingPerSecond > 0).toBe(chosen!.capacityPerSecond < ratePerSecond);
        expect(runnerUp === undefined || runnerUp.extraShare > 0).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});

describe('room', () => {
  it('is what each node has for whole instances, of one GPU each', () => {
    const one = candidate(1, 3000, 10, { gpuPercent: 40, memoryBytes: 10e9 });
    const nodes = [node('a', 10, { gpuPercents: [100, 50], memoryBytes: 64e9 }), node('b', 10)];
    expect(fitOn(one, nodes)).toEqual({ instances: 3, limitedBy: 'gpuPercent' });
    expect(fitOn(one, [node('c', 4, { gpuPercents: [100] })])).toEqual({
      instances: 1,
      limitedBy: 'cpuMillicores',
    });
  });

  it('is less where others hold something', () => {
    const { config, needs } = candidate(1, 3000, 10, { gpuPercent: 40 });
    const held = { config, needs, node: 'a', gpu: 1 };
    const nodes = [node('a', 10, { gpuPercents: [100, 100] }), node('b', 10)];
    const [a, b] = without(nodes, [held]);
    const memoryBytes = nodes[0]!.shared.memoryBytes - amountsOf(needs).memoryBytes;
    const left = { name: 'a', cpuMillicores: 7_000, gpuPercents: [100, 60], memoryBytes };
    expect(a).toMatchObject(nodeCapacity(left));
    expect(b).toMatchObject(nodes[1]!);
  });
});

describe('what is printed of it', () => {
  const scarce = fc.record({
    sloMs: fc.integer({ min: 60, max: 1500 }),
    ratePerSecond: fc.double({ min: 0.1, max: 3000, noNaN: true }),
    maxInstances: fc.integer({ min: 1, max: 20 }),
    cpuMillicores: fc.integer({ min: 500, max: 20_000 }),
  });

  it('names no saving that is none, and no latencies of a queue that only grows', async () => {
    await fc.assert(
      fc.asyncProperty(scarce, async ({ sloMs, ratePerSecond, maxInstances, cpuMillicores }) => {
        const all = need({ slo: { sloMs, percentile: 99, arrivalCv: 1 }, ratePerSecond });
        const nodes = [node('n', cpuMillicores, { memoryBytes: 1e18, gpuPercents: [100] })];
        const asked = demand('f', ratePerSecond, {
          ...all.slo,
          candidates: all.candidates,
          warmInstances: all.fewest,
          maxInstances,
        });
        const cluster = { nodes, instances: [], leaving: [] };
        const decision = planCluster({ demands: [asked], cluster, rates: all.rates }).functions[0]!;
        const times = new ServiceTimes(
          table(CANDIDATES.map(({ config, meanMs }) => cell(config.batch, config.cpuMillicores, meanMs))),
        );
        const report = await explanationReport({
          ...all,
          decision,
          times,
          expectedPerSecond: ratePerSecond,
          running: null,
        });
        const text = renderExplanation(report);
        expect(text).not.toMatch(/-\d[\d.]* % less|(?<![\d.])0(?:\.0+)? % less/);
        if (report.looser !== null) expect(report.looser.savedShare).toBeGreaterThanOrEqual(0.005);
        const { chosen } = report;
        const isBeyond = chosen !== null && ratePerSecond > chosen.capacityPerSecond;
        if (isBeyond) {
          expect(chosen.forecast).toBeNull();
          expect(text).toMatch(/above what it carries: [\d.,]+ requests\/s are late/);
        } else expect(text).not.toContain('above what it carries');
      }),
      { numRuns: 5, examples: [[{ sloMs: 200, ratePerSecond: 900, maxInstances: 2, cpuMillicores: 2_000 }]] },
    );
  });
});
