import { describe, expect, it } from 'vitest';
import { ObservedTimes } from '../../../autoscaler/latency/observed-times.ts';
import { ServiceTimes } from '../../../autoscaler/latency/service-times.ts';
import { seededRandom } from '../../../models/base/random.ts';
import { NO_COST } from '../../../profiles/capacity/batch-time.ts';
import { cell, table } from '../../profiles/sample-table.ts';

const CONFIG = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 };
const OTHER = { batch: 8, cpuMillicores: 1000, gpuPercent: 0 };

function timing(
  executeMs: number,
  codecMs = 0,
): { decodeMs: number; executeMs: number; encodeMs: number; rows: number } {
  return { decodeMs: codecMs / 2, executeMs, encodeMs: codecMs / 2, rows: 4 };
}

/** As many batches of 4 requests, against 20 ms in the table; returns what is said after each. */
function observe(
  observed: ObservedTimes,
  executeMs: readonly number[],
  config = CONFIG,
): (number | undefined)[] {
  return executeMs.map((each) => {
    observed.record(config, 4, timing(each, 2), each + 2 + 3, 20);
    return observed.of(config)?.slowdown;
  });
}

describe('observed times', () => {
  it('say nothing before enough batches have run', () => {
    const said = observe(new ObservedTimes(() => NO_COST), new Array(20).fill(30));
    expect(said.slice(0, 19).every((each) => each === undefined)).toBe(true);
    expect(said[19]).toBeCloseTo(1.5);
  });

  it('tell execution, codec and transport apart', () => {
    const observed = new ObservedTimes(() => NO_COST);
    observe(observed, new Array(30).fill(30));
    const { slowdown, codecMsPerRequest, transportMs } = observed.of(CONFIG)!;
    expect(slowdown).toBeCloseTo(1.5);
    expect(codecMsPerRequest).toBeCloseTo(0.5);
    expect(transportMs).toBeCloseTo(3);
  });

  it('count of a round trip what the table does not say of its rows’ way', () => {
    const observed = new ObservedTimes(() => ({ codecMs: 0.5, transferMs: 0.25 }));
    observe(observed, new Array(30).fill(20)); // 3 ms on the way, 1 ms of them as the table says
    expect(observed.of(CONFIG)!.transportMs).toBeCloseTo(2);
    const short = new ObservedTimes(() => ({ codecMs: 0.5, transferMs: 10 }));
    observe(short, new Array(30).fill(20));
    expect(short.of(CONFIG)!.transportMs).toBe(0);
  });

  it('compare means: a quota that throttles every other batch is as slow as its mean', () => {
    const observed = new ObservedTimes(() => NO_COST);
    observe(
      observed,
      Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? 2 : 58)),
    );
    expect(observed.of(CONFIG)!.slowdown).toBeCloseTo(1.5, 0);
  });

  it('do not flicker: noise of ten percent moves them hardly ever', () => {
    const random = seededRandom(3);
    const said = observe(
      new ObservedTimes(() => NO_COST),
      Array.from({ length: 5_000 }, () => 21 * (0.9 + 0.2 * random())),
    ).slice(19);
    const moves = said.filter((each, index) => index > 0 && each !== said[index - 1]);
    expect(moves.length).toBeLessThanOrEqual(2);
    for (const each of said) expect(Math.abs(each! - 1.05)).toBeLessThan(0.11);
  });

  it('follow a host that has become slow, and that recovers', () => {
    const observed = new ObservedTimes(() => NO_COST);
    observe(observed, new Array(200).fill(20));
    expect(observed.of(CONFIG)!.slowdown).toBeCloseTo(1);
    observe(observed, new Array(300).fill(40));
    expect(observed.of(CONFIG)!.slowdown).toBeCloseTo(2, 0.7);
    observe(observed, new Array(300).fill(20));
    expect(observed.of(CONFIG)!.slowdown).toBeCloseTo(1, 0.7);
  });

  it('stay within reason, whatever one batch took', () => {
    const observed = new ObservedTimes(() => NO_COST);
    observe(observed, [...new Array(49).fill(20), 60_000]);
    expect(observed.of(CONFIG)!.slowdown).toBeLessThan(1.5);
    observe(observed, new Array(500).fill(0.001));
    expect(observed.of(CONFIG)!.slowdown).toBe(0.5);
  });

  it('warn of configs that have not run yet, but promise nothing of them', () => {
    const observed = new ObservedTimes(() => NO_COST);
    observe(observed, new Array(50).fill(40));
    expect(observed.of(OTHER)).toEqual({ slowdown: 2, transportMs: 3 });
    observe(observed, new Array(500).fill(12));
    expect(observed.of(CONFIG)!.slowdown).toBeLessThan(0.8);
    expect(observed.of(OTHER)!.slowdown).toBe(1);
  });

  it('learn what a request costs that carries several rows', () => {
    const observed = new ObservedTimes(() => NO_COST);
    for (let batch = 0; batch < 50; batch += 1) {
      observed.record(CONFIG, 2, { ...timing(80, 16), rows: 16 }, 99, 20);
    }
    expect(observed.of(CONFIG)).toMatchObject({ slowdown: 4, codecMsPerRequest: 8 });
  });
});

describe('what was observed', () => {
  const MINUTE_MS = 60_000;

  /** Sixteen times as slow as the table, and as bad a codec and transport; nothing runs from minute 1 on. */
  function slowSpell(): ObservedTimes {
    const observed = new ObservedTimes(() => ({ codecMs: 0.5, transferMs: 0 }));
    observed.hold(0);
    for (let batch = 0; batch < 200; batch += 1)
      observed.record(CONFIG, 4, timing(320, 32), 320 + 32 + 34, 20);
    observed.release(MINUTE_MS);
    return observed;
  }

  it('fades towards the table while nothing runs, by half every ten minutes', () => {
    const observed = slowSpell();
    expect(observed.of(CONFIG)).toEqual({ slowdown: 16, codecMsPerRequest: 8, transportMs: 34 });
    const { version } = observed;
    observed.fade(11 * MINUTE_MS);
    expect(observed.of(CONFIG)!.slowdown).toBeCloseTo(1 + 15 / 2);
    expect(observed.of(CONFIG)!.codecMsPerRequest).toBeCloseTo(0.5 + 7.5 / 2, 0);
    expect(observed.of(CONFIG)!.transportMs).toBeCloseTo(2 + 32 / 2);
    // what is guessed of configs that have not run does as well
    expect(observed.of(OTHER)!.slowdown).toBeCloseTo(1 + 15 / 2);
    expect(observed.version).toBeGreaterThan(version);
    observed.fade(21 * MINUTE_MS);
    expect(observed.of(CONFIG)!.slowdown).toBeCloseTo(1 + 15 / 4, 0);
    observed.fade(3 * 60 * MINUTE_MS);
    expect(observed.of(CONFIG)).toBeUndefined();
    expect(observed.of(OTHER)).toBeUndefined();
    expect(observed.doubt).toBeUndefined();
  });

  it('fades no further for being looked at often', () => {
    const [once, often] = [slowSpell(), slowSpell()];
    once.fade(16 * MINUTE_MS);
    for (let atMs = MINUTE_MS; atMs <= 16 * MINUTE_MS; atMs += 500) often.fade(atMs);
    // a step or two
    expect(Math.abs(often.of(CONFIG)!.slowdown - once.of(CONFIG)!.slowdown)).toBeLessThan(0.2);
  });

  it('does not fade while instances run, however seldom one is used', () => {
    const observed = slowSpell();
    observed.hold(MINUTE_MS);
    observed.fade(24 * 60 * MINUTE_MS);
    expect(observed.of(CONFIG)!.slowdown).toBe(16);
  });

  it('is overruled the sooner the more it has faded, and holds where it is as slow still', () => {
    const slownessAfter = (minutes: number, executeMs: number): number => {
      const observed = slowSpell();
      observed.hold(minutes * MINUTE_MS);
      for (let batch = 0; batch < 30; batch += 1)
        observed.record(CONFIG, 4, timing(executeMs), executeMs + 2, 20);
      return observed.of(CONFIG)!.slowdown;
    };
    expect(slownessAfter(1, 20)).toBeGreaterThan(8);
    expect(slownessAfter(31, 20)).toBeLessThan(2);
    expect(slownessAfter(31, 320)).toBeGreaterThan(12);
    expect(slownessAfter(600, 320)).toBe(16);
  });
});

describe('service times', () => {
  const profile = table([cell(1, 1000, 10), cell(4, 1000, 20), cell(4, 500, 50)]);

  it('add reading and writing JSON and the way there and back to what the table says', () => {
    const times = new ServiceTimes(profile);
    expect(times.batchMs(CONFIG, 4, 0.5)).toBeCloseTo(20 + 4 * 0.75 + 2);
    expect(times.meanMs(CONFIG)).toBeCloseTo(21 + 4 * 0.75 + 2);
  });

  it('are corrected by what was observed', () => {
    const times = new ServiceTimes(profile, () => ({ slowdown: 2, codecMsPerRequest: 1, transportMs: 5 }));
    expect(times.batchMs(CONFIG, 4, 0.99)).toBeCloseTo(2 * 30 + 4 + 5);
  });

  it('compare measured batches with the table’s mean', () => {
    expect(new ServiceTimes(profile).tabulatedMs(CONFIG, 4)).toBeCloseTo(21);
    expect(new ServiceTimes(profile).tabulatedMs(CONFIG, 1)).toBeCloseTo(10.5);
  });

  it('make a candidate of every cell within the limits, its tail never shorter than its mean', () => {
    const times = new ServiceTimes(profile);
    const some = times.candidates({ maxBatch: 4, percentile: 50 });
    expect(some).toHaveLength(3);
    for (const { meanMs, tailMs } of some) expect(tailMs).toBeGreaterThanOrEqual(meanMs);
    expect(times.candidates({ maxBatch: 1, percentile: 99 }).map(({ config }) => config.batch)).toEqual([1]);
  });
});
