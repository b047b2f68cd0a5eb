import { describe, expect, it } from 'vitest';
import { paperRateModel } from '../../../autoscaler/planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../../autoscaler/planning/capacity/rate-model.ts';
import type { FunctionDemand } from '../../../autoscaler/planning/decision.ts';
import { candidate, demand, node, PlannedCluster } from '../../support/planning.ts';

const FEW_CORES = [node('small', 2)];
const MANY_CORES = [node('a', 8), node('b', 8)];

function clusterOf(nodes = MANY_CORES, rates: RateModel = percentileRateModel): PlannedCluster {
  return new PlannedCluster(nodes, rates);
}

/** Neither is of any use beside the other: the dear one carries all, the cheap ones less for less. */
const SMALL = candidate(1, 500, 20);
const LARGE = candidate(8, 4000, 20);

describe('scaling out', () => {
  it('starts what carries the demand, at once', () => {
    const cluster = clusterOf();
    const wanted = demand('f', 300);
    const { start, stop, short } = cluster.step([wanted]);
    expect(start.length).toBeGreaterThan(0);
    expect({ stop, short }).toEqual({ stop: [], short: [] });
    expect(cluster.capacityOf(wanted)).toBeGreaterThanOrEqual(300);
  });

  it('starts nothing twice while it is starting', () => {
    const cluster = clusterOf();
    cluster.stepAtOnce([demand('f', 300)]);
    expect(cluster.stepAtOnce([demand('f', 300)])).toMatchObject({ start: [], stop: [], short: [] });
  });

  it('tells who is short of how much when the cluster is full', () => {
    const cluster = clusterOf(FEW_CORES);
    const wanted = demand('f', 10_000);
    const { short } = cluster.step([wanted]);
    const carried = cluster.capacityOf(wanted);
    expect(carried).toBeGreaterThan(0);
    expect(short).toEqual([{ functionName: 'f', missingPerSecond: 10_000 - carried }]);
  });

  it('shares an overload in proportion to what is asked', () => {
    const cluster = clusterOf();
    const demands = [demand('much', 2_000), demand('more', 4_000)];
    cluster.settle(demands);
    const coverage = demands.map((each) => cluster.capacityOf(each) / each.ratePerSecond);
    expect(Math.max(...coverage)).toBeLessThan(1);
    expect(Math.max(...coverage) / Math.min(...coverage)).toBeLessThan(1.4);
  });

  it('shares an overload by weight', () => {
    const cluster = clusterOf([node('a', 32)]);
    const candidates = [candidate(1, 500, 20)];
    const demands = [
      demand('light', 10_000, { candidates }),
      demand('heavy', 10_000, { candidates, weight: 3 }),
    ];
    cluster.settle(demands);
    const [light, heavy] = demands.map((each) => cluster.capacityOf(each));
    expect(heavy! / light!).toBeGreaterThan(2.4);
    expect(heavy! / light!).toBeLessThan(3.6);
  });

  it('keeps what its owner asked for, and no more than allowed', () => {
    const cluster = clusterOf();
    cluster.settle([demand('f', 0, { minInstances: 3 })]);
    expect(cluster.instancesOf('f')).toHaveLength(3);
    const limited = demand('g', 5_000, { maxInstances: 2 });
    cluster.settle([limited]);
    expect(cluster.instancesOf('g')).toHaveLength(2);
  });

  it('starts as many as fit of a minimum that does not', () => {
    const cluster = clusterOf(FEW_CORES);
    const candidates = [candidate(1, 500, 20)];
    cluster.settle([demand('f', 0, { minInstances: 10, candidates })]);
    expect(cluster.instancesOf('f')).toHaveLength(4);
  });

  it('stops what is beyond a maximum that was lowered, whatever the rate', () => {
    const cluster = clusterOf();
    cluster.settle([demand('f', 1_000)]);
    expect(cluster.instancesOf('f').length).toBeGreaterThan(2);
    cluster.settle([demand('f', 1_000, { maxInstances: 2 })]);
    expect(cluster.instancesOf('f')).toHaveLength(2);
  });

  it('takes a GPU share from one GPU only', () => {
    const nodes = [node('gpus', 8, { gpuPercents: [100, 100] })];
    const candidates = [candidate(4, 500, 20, { gpuPercent: 60 })];
    const cluster = clusterOf(nodes);
    const { start } = cluster.step([demand('f', 5_000, { candidates })]);
    expect(start.map(({ gpu }) => gpu)).toEqual([0, 1]);
  });

  it('puts no more shares on a GPU than its memory holds', () => {
    const nodes = [node('gpus', 8, { gpuPercents: [100, 100], gpuMemoryBytes: 16e9 })];
    const candidates = [candidate(4, 500, 20, { gpuPercent: 25, gpuMemoryBytes: 6e9 })];
    const cluster = clusterOf(nodes);
    const { start } = cluster.step([demand('f', 5_000, { candidates })]);
    expect(start.map(({ gpu }) => gpu).sort()).toEqual([0, 0, 1, 1]);
  });

  it('knows on which GPU an instance has its share, however the others came and went', () => {
    // 30 and 70 on GPU 0, 70 on GPU 1; when the first 70 has gone, the best fit for the other is GPU 0, where
    // it is not.
    const nodes = [node('gpus', 8, { gpuPercents: [100, 100] })];
    const share = (gpuPercent: number): FunctionDemand['candidates'] => [
      candidate(1, 500, 20, { gpuPercent }),
    ];
    const one = { minInstances: 1, maxInstances: 1 };
    const f30 = demand('f30', 0, { ...one, candidates: share(30) });
    const first70 = demand('first70', 0, { ...one, candidates: share(70) });
    const other70 = demand('other70', 0, { ...one, candidates: share(70) });
    const whole = demand('whole', 0, { ...one, candidates: share(100) });
    const cluster = clusterOf(nodes);
    for (const demands of [[f30], [f30, first70], [f30, first70, other70]]) cluster.settle(demands);
    cluster.settle([f30, { ...first70, minInstances: 0 }, other70]);
    expect(cluster.instancesOf('first70')).toEqual([]);
    cluster.settle([f30, other70, whole]); // throws if it were placed where there is no room
    expect(cluster.instancesOf('whole')).toEqual([]);
  });
});

describe('scaling in', () => {
  it('waits for the highest rate of the recent past to be over', () => {
    const cluster = clusterOf();
    cluster.settle([demand('f', 500)]);
    const before = cluster.instancesOf('f');
    cluster.settle([demand('f', 20, { recentRatePerSecond: 500 })]);
    expect(cluster.instancesOf('f')).toEqual(before);
    const quiet = demand('f', 20);
    cluster.settle([quiet]);
    expect(cluster.instancesOf('f').length).toBeLessThan(before.length);
    expect(cluster.capacityOf(quiet)).toBeGreaterThanOrEqual(20);
  });

  it('gives nothing up while the recent past is not known', () => {
    const cluster = clusterOf();
    cluster.settle([demand('f', 500)]);
    const before = cluster.instancesOf('f');
    cluster.settle([demand('f', 0, { recentRatePerSecond: Infinity })]);
    expect(cluster.instancesOf('f')).toEqual(before);
  });

  it('ends at nothing where nothing is asked for, and at what is to be kept warm', () => {
    const cluster = clusterOf();
    cluster.settle([demand('f', 500)]);
    cluster.settle([demand('f', 0, { warmInstances: 1 })]);
    expect(cluster.instancesOf('f')).toHaveLength(1);
    cluster.settle([demand('f', 0)]);
    expect(cluster.instancesOf('f')).toEqual([]);
  });

  it('does not count on instances that are still starting', () => {
    const cluster = clusterOf();
    const dear = demand('f', 100, { candidates: [LARGE] });
    cluster.settle([dear]);
    const both = { ...dear, candidates: [LARGE, SMALL] };
    const { start, stop } = cluster.step([both]); // the cheap ones come first,
    expect({ starts: start.length > 0, stop }).toEqual({ starts: true, stop: [] });
    expect(cluster.stepAtOnce([both]).stop).toEqual([]); // the dear one serves until they are ready,
    expect(cluster.step([both]).stop).toHaveLength(1); // and goes then.
  });
});

describe('replacing', () => {
  it('gives the same rate for less, and then leaves it alone', () => {
    const cluster = clusterOf();
    cluster.settle([demand('f', 100, { candidates: [LARGE] })]);
    const wanted = demand('f', 100, { candidates: [LARGE, SMALL] });
    cluster.settle([wanted]);
    const cores = cluster.instancesOf('f').reduce((sum, { config }) => sum + config.cpuMillicores, 0);
    expect(cores).toBeLessThan(0.7 * 4000);
    expect(cluster.capacityOf(wanted)).toBeGreaterThanOrEqual(100);
    expect(cluster.step([wanted])).toMatchObject({ start: [], stop: [], short: [] });
  });

  it('is not worth it for a little', () => {
    const cluster = clusterOf();
    cluster.settle([demand('f', 100, { candidates: [candidate(8, 2000, 20)] })]);
    const slightlyCheaper = demand('f', 100, {
      candidates: [candidate(8, 2000, 20), candidate(8, 1950, 20)],
    });
    expect(cluster.settle([slightlyCheaper])).toBe(0);
  });

  it('does not exceed the largest number of instances on the way', () => {
    const cluster = clusterOf();
    const most = { maxInstances: 1 };
    cluster.settle([demand('f', 10, { ...most, candidates: [LARGE] })]);
    expect(cluster.settle([demand('f', 10, { ...most, candidates: [LARGE, SMALL] })])).toBe(0);
  });
});

describe('an older deployment', () => {
  it('serves until its successors are ready, where there is room for both', () => {
    const cluster = clusterOf();
    const wanted = demand('f', 300);
    cluster.settle([wanted]);
    const old = cluster.instancesOf('f').map(({ id }) => id);
    cluster.outdate('f');
    const first = cluster.step([wanted]);
    expect({ starts: first.start.length > 0, stop: first.stop }).toEqual({ starts: true, stop: [] });
    expect(cluster.step([wanted]).stop.map(({ id }) => id)).toEqual(old);
    cluster.settle([wanted]);
    expect(cluster.capacityOf(wanted, { readyOnly: true })).toBeGreaterThanOrEqual(300);
  });

  it.each([1, 300, 10_000])(
    'is replaced one after the other on a full node, at %d requests a second',
    (rate) => {
      const cluster = clusterOf(FEW_CORES);
      const candidates = [candidate(1, 500, 20)];
      cluster.settle([demand('f', 10_000, { candidates })]);
      cluster.outdate('f');
      const wanted = demand('f', rate, { candidates });
      for (let steps = 0; steps < 30; steps += 1) {
        const serving = cluster.instancesOf('f').filter(({ ready }) => ready);
        expect(serving.length).toBeGreaterThan(steps === 0 ? 3 : 0); // somebody serves all the time
        const { stop } = cluster.stepAtOnce([wanted]);
        if (rate > 300) expect(stop.length).toBeLessThanOrEqual(1);
        cluster.leave();
        const next = cluster.stepAtOnce([wanted]);
        const atOnce = cluster.stepAtOnce([wanted]);
        // not before it is ready
        if (next.start.length > 0) expect([...next.stop, ...atOnce.stop]).toEqual([]);
        if (cluster.instancesOf('f').every(({ outdated }) => !outdated)) break;
        cluster.step([wanted]);
      }
      expect(cluster.instancesOf('f').some(({ outdated }) => outdated)).toBe(false);
      cluster.settle([wanted]);
    },
  );

  it('goes without successors where nobody asks for it', () => {
    const cluster = clusterOf();
    cluster.settle([demand('f', 300)]);
    cluster.outdate('f');
    cluster.settle([demand('f', 0)]);
    expect(cluster.instancesOf('f')).toEqual([]);
  });
});

describe('a function that has nothing, on a full cluster', () => {
  const candidates = [candidate(1, 500, 20)];
  const greedy = demand('greedy', 10_000, { candidates });

  it('gets another’s spare instance’s room, and keeps it', () => {
    const cluster = clusterOf(FEW_CORES);
    cluster.settle([greedy]);
    const starving = demand('starving', 30, { candidates });
    const { stop } = cluster.step([greedy, starving]);
    expect(stop).toHaveLength(1);
    // It asks for no more while that one leaves,
    expect(cluster.stepAtOnce([greedy, starving]).stop).toEqual([]);
    cluster.settle([greedy, starving]);
    expect(cluster.instancesOf('starving')).toHaveLength(1);
    expect(cluster.instancesOf('greedy')).toHaveLength(3);
  });

  it('gets room for a config that takes several', () => {
    const cluster = clusterOf(FEW_CORES);
    cluster.settle([greedy]);
    const large = demand('large', 30, { candidates: [candidate(1, 1500, 20)] });
    expect(cluster.step([greedy, large]).stop).toHaveLength(3);
    cluster.settle([greedy, large]);
    expect(cluster.instancesOf('large')).toHaveLength(1);
  });

  it('takes nothing for a config that fits on no node', () => {
    const cluster = clusterOf(FEW_CORES);
    cluster.settle([greedy]);
    const impossible = demand('impossible', 30, { candidates: [candidate(1, 2500, 20)] });
    expect(cluster.settle([greedy, impossible])).toBe(0);
  });

  it('does not get the last one of a function that is asked for', () => {
    const cluster = clusterOf([node('tiny', 0.5)]);
    const one = demand('one', 10, { candidates });
    cluster.settle([one]);
    expect(cluster.settle([one, demand('other', 10, { candidates })])).toBe(0);
  });

  it('gets the room of one that is only kept warm, and that one does not take it back', () => {
    const cluster = clusterOf([node('tiny', 0.5)]);
    const warm = demand('warm', 0, { warmInstances: 1, candidates });
    cluster.settle([warm]);
    const busy = demand('busy', 10, { candidates });
    cluster.settle([warm, busy]);
    expect(cluster.instancesOf('busy')).toHaveLength(1);
  });

  it('takes nothing from those that are asked for only to be kept warm', () => {
    const cluster = clusterOf(FEW_CORES);
    cluster.settle([greedy]);
    expect(cluster.settle([greedy, demand('warm', 0, { warmInstances: 1, candidates })])).toBe(0);
  });
});

describe('an SLO that no config keeps any more', () => {
  it.each([percentileRateModel, paperRateModel])('is served as well as can be ($name)', (rates) => {
    const cluster = clusterOf(MANY_CORES, rates);
    const slow = [candidate(1, 500, 300), candidate(4, 500, 700), candidate(4, 2000, 250)];
    const wanted = demand('f', 20, { candidates: slow });
    cluster.settle([wanted]);
    const served = cluster.instancesOf('f').reduce((sum, { config }) => {
      const { meanMs } = slow.find((each) => each.config === config)!;
      return sum + (config.batch * 1000) / meanMs;
    }, 0);
    expect(served).toBeGreaterThanOrEqual(20);
    expect(cluster.instancesOf('f').length).toBeLessThan(20); // and not by taking everything
  });
});
