import { expect, it } from 'vitest';
import {
  mostTimes,
  PATTERNS,
  type Timed,
  timesOf,
  describe as told,
} from '../../../../../autoscaler/gpu-proof/steps/batches/patterns.ts';
import { seededRandom } from '../../../../../models/base/random.ts';

const LARGEST = 8;

/**
 * Runs of a pattern that take as long as told, by rows and whether the size is another one than in the run
 * before.
 */
function runsOf(
  pattern: keyof typeof PATTERNS,
  count: number,
  msOf: (rows: number, changed: boolean) => number,
): Timed[] {
  const random = seededRandom(1);
  let last: number | undefined;
  return Array.from({ length: count }, (_, run) => {
    const rows = PATTERNS[pattern](run, LARGEST, random);
    const ms = msOf(rows, rows !== last);
    last = rows;
    return { rows, ms };
  });
}

const timesBy = (msOf: (rows: number, changed: boolean) => number, count = 200) => ({
  same: timesOf(runsOf('same', count, msOf), LARGEST),
  alternating: timesOf(runsOf('alternating', count, msOf), LARGEST),
  random: timesOf(runsOf('random', count, msOf), LARGEST),
});

it('tells how many times as long as the same batch changing ones take', () => {
  const planning = timesBy((_, changed) => (changed ? 360 : 1.2));
  expect(mostTimes(planning)).toBeCloseTo(300);
  expect(told(planning)).toBe(
    'same 1.2 ms, alternating 360 ms (300 times, 99 runs), random 360 ms (300 times, 89 runs)',
  );
  expect(mostTimes(timesBy(() => 1.2))).toBe(1);
});

it('counts the first run of a size apart, and small batches not at all', () => {
  const times = timesOf(
    [
      { rows: 8, ms: 600 },
      { rows: 8, ms: 2 },
      { rows: 1, ms: 50 },
      { rows: 1, ms: 0.5 },
    ],
    LARGEST,
  );
  expect(times).toEqual({ medianMs: 2, p95Ms: 2, samples: 1, firstMs: { 1: 50, 8: 600 } });
});

it('says so where there were too few runs to tell, in words and not in numbers that are none', () => {
  const times = timesBy((_, changed) => (changed ? 500 : 1), 3);
  expect(times.random).toMatchObject({ medianMs: null, p95Ms: null, samples: 0 });
  expect(mostTimes(times)).toBeUndefined();
  expect(told(times)).toMatch(
    /^same 1\.0 ms, alternating 500 ms \(500 times, 1 run\), random: no size came twice$/,
  );
  expect(
    mostTimes({ same: timesOf([], 8), alternating: times.alternating, random: times.alternating }),
  ).toBeUndefined();
});
