import { describe, expect, it } from 'vitest';
import { KEEP_ALIVE_POLICIES } from '../../../../autoscaler/demand/keepalive/policies.ts';
import { totalsOf } from '../../../../autoscaler/simulation/keepalive/compare.ts';
import { matchColdStarts } from '../../../../autoscaler/simulation/keepalive/matched.ts';
import {
  SYNTHETIC_TRACES,
  sparseTrace,
  syntheticTrace,
} from '../../../../autoscaler/simulation/keepalive/traces.ts';
import { seededRandom } from '../../../../models/base/random.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../demand/keepalive/arbitraries.ts';

const sizes = { functions: 10, durationMs: 4 * DAY_MS, seed: 11 };
const options = {
  startupMs: 3_000,
  executionMs: 100,
  untilMs: sizes.durationMs,
  keepAliveMs: 10 * MINUTE_MS,
};

describe.each(SYNTHETIC_TRACES)('the %s trace', (name) => {
  it('is the same for the same seed, in order and within its time', () => {
    const trace = syntheticTrace(name, sizes);
    expect(trace).toEqual(syntheticTrace(name, sizes));
    expect(trace).not.toEqual(syntheticTrace(name, { ...sizes, seed: 12 }));
    expect(trace).toHaveLength(10);
    for (const arrivals of trace) {
      expect(arrivals.length).toBeGreaterThan(5);
      expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
      expect(arrivals[0]).toBeGreaterThanOrEqual(0);
      expect(arrivals.at(-1)).toBeLessThan(sizes.durationMs);
    }
  });

  it('costs the tournament hardly more than the best of what it runs', () => {
    const trace = syntheticTrace(name, sizes);
    const costs = Object.fromEntries(
      KEEP_ALIVE_POLICIES.map((policy) => [policy, totalsOf(policy, trace, options).costSeconds]),
    );
    const { tournament, ...others } = costs;
    expect(tournament).toBeLessThan(1.05 * Math.min(...Object.values(others)));
  });
});

it('costs the tournament hardly more than the best fixed keep-alive, in whatever steady rhythm', () => {
  const random = seededRandom(5);
  for (const meanMinutes of [1, 4, 10, 25, 60, 150]) {
    const arrivals: number[] = [];
    const gap = (): number => -Math.log(1 - random()) * meanMinutes * MINUTE_MS;
    for (let atMs = gap(); atMs < 20 * DAY_MS; atMs += gap()) arrivals.push(atMs);
    const steady = { ...options, untilMs: 20 * DAY_MS };
    const cost = totalsOf('tournament', [arrivals], steady).costSeconds;
    const fixed = [0, 1, 5, 10, 30, 60, 240].map((minutes) => {
      const totals = totalsOf('fixed', [arrivals], { ...steady, keepAliveMs: minutes * MINUTE_MS });
      return totals.idleResourceSeconds + (totals.coldStarts * options.keepAliveMs) / 1000;
    });
    expect(cost).toBeLessThan(1.15 * Math.min(...fixed));
  }
});

it('adds up functions', () => {
  const [first, second] = syntheticTrace('sporadic', { ...sizes, functions: 2 });
  const [one, other, both] = [[first!], [second!], [first!, second!]].map((trace) =>
    totalsOf('lsth', trace, options),
  );
  expect(both!.requests).toBe(one!.requests + other!.requests);
  expect(both!.idleResourceSeconds).toBeCloseTo(one!.idleResourceSeconds + other!.idleResourceSeconds, 6);
  expect(both!.coldStartShare * both!.requests).toBeCloseTo(
    one!.coldStartShare * one!.requests + other!.coldStartShare * other!.requests,
    6,
  );
});

it('finds a price at which the tournament has no more cold starts than a rival', () => {
  const trace = syntheticTrace('bursty', sizes);
  const rival = totalsOf('fixed', trace, options);
  const match = matchColdStarts(rival, trace, options)!;
  expect(match.totals.coldStartShare).toBeLessThanOrEqual(rival.coldStartShare);
  expect(match.totals.idleResourceSeconds).toBeLessThan(rival.idleResourceSeconds);
});

it('scales recorded rates down to requests that are minutes to hours apart', () => {
  const rates = [0, 1, 5, 0, 2, 0, 0, 9];
  const trace = sparseTrace(rates, 3 * HOUR_MS, { functions: 4, seed: 2 });
  const meanGaps = trace.map((arrivals) => (24 * HOUR_MS) / arrivals.length);
  expect(meanGaps[0]).toBeGreaterThan(1.5 * MINUTE_MS);
  expect(meanGaps[0]).toBeLessThan(6 * MINUTE_MS);
  expect(meanGaps).toEqual(meanGaps.toSorted((a, b) => a - b));
  expect(trace[0]!.some((atMs) => atMs < 3 * HOUR_MS)).toBe(false);
});
