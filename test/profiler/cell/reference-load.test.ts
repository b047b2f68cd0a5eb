import { randomNormal } from 'd3-random';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { measure } from '../../../profiler/cell/measure.ts';
import {
  hostSpeed,
  Interleaving,
  type Interval,
  YARDSTICK_SHARE,
} from '../../../profiler/cell/reference-load.ts';

/** Plays turns until a time is over. */
function play(runMs: number, yardstickMs: number, budgetMs: number) {
  const turns = new Interleaving(budgetMs);
  const played: { runs: number; yardsticks: number }[] = [];
  for (let spent = 0; spent < budgetMs; ) {
    const turn = { runs: turns.runs(), yardsticks: turns.yardsticks() };
    played.push(turn);
    spent += turn.runs * runMs + (turn.yardsticks + 1) * yardstickMs;
    turns.learn({ run: runMs, yardstick: yardstickMs });
  }
  const sum = (of: (turn: (typeof played)[number]) => number): number =>
    played.reduce((total, turn) => total + of(turn), 0);
  const cellMs = sum(({ runs }) => runs) * runMs;
  const allMs = cellMs + sum(({ yardsticks }) => yardsticks + 1) * yardstickMs;
  return { played, share: 1 - cellMs / allMs };
}

describe('turns', () => {
  test('a model of a millisecond gives its yardstick the share that it should have, some ten times', () => {
    const { played, share } = play(8, 1, 4000);
    expect(played.length).toBeGreaterThan(8);
    expect(share).toBeGreaterThan(0.6 * YARDSTICK_SHARE);
    expect(share).toBeLessThan(1.5 * YARDSTICK_SHARE);
  });

  test('batches that take long are followed by a turn each, which takes no longer for that', () => {
    const { played, share } = play(2000, 100, 6000);
    expect(played.every(({ runs }) => runs === 1)).toBe(true);
    expect(share).toBeLessThan(1.5 * YARDSTICK_SHARE);
  });

  test('a single row that takes long is not run more often as yardstick than for itself', () => {
    const { played, share } = play(100, 100, 6000);
    expect(share).toBeLessThan(1.5 * YARDSTICK_SHARE);
    expect(played.length).toBeGreaterThanOrEqual(3);
  });

  test('never is nobody at turn, however long one takes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 20_000, noNaN: true }),
        fc.double({ min: 0.001, max: 20_000, noNaN: true }),
        (run, yardstick) => {
          const turns = new Interleaving(4000);
          turns.learn({ run, yardstick });
          expect(turns.runs()).toBeGreaterThanOrEqual(1);
          expect(turns.yardsticks()).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });

  test('the numbers of runs vary, or they would keep step with the periods of a quota', () => {
    const { played } = play(1, 1, 4000);
    expect(new Set(played.map(({ runs }) => runs)).size).toBeGreaterThan(5);
  });
});

/**
 * Ten stretches of a batch that takes as long as eight yardsticks, on a host whose speed varies, with an
 * error of its own.
 */
function stretches(speedError: number, ownError: number): Interval[] {
  const normal = randomNormal.source(seededRandom(7))(0, 1);
  return Array.from({ length: 10 }, () => {
    const yardstickMs = 10 * Math.exp(speedError * normal());
    return { runs: 5, yardstickMs, elapsedMs: 5 * 8 * yardstickMs * Math.exp(ownError * normal()) };
  });
}

describe('the reading', () => {
  test('what the yardstick explains is no error', () => {
    const reading = hostSpeed(stretches(0.2, 0.01), 0.95)!;
    expect(reading.relativeError).toBeLessThan(0.02);
    expect(reading.meanMs).toBeGreaterThan(7);
    expect(reading.meanMs).toBeLessThan(13);
  });

  test('what it does not explain is one', () => {
    expect(hostSpeed(stretches(0.01, 0.2), 0.95)!.relativeError).toBeGreaterThan(0.06);
  });

  test('two stretches tell nothing', () => {
    expect(hostSpeed(stretches(0.1, 0.1).slice(0, 2), 0.95)).toBeUndefined();
  });
});

test('a measurement counts the CPU time of its runs apart from that of the yardstick', async () => {
  const burn = (ms: number) => async (): Promise<void> => {
    for (const end = performance.now() + ms; performance.now() < end; );
  };
  const { samples, cpuMs, totalCpuMs, yardstick } = await measure(
    { run: burn(4), yardstick: burn(1), speedMs: (elapsedMs) => elapsedMs },
    { level: 0.95, relativeError: 0.001, budgetMs: 200, periodMs: 0 },
    () => undefined,
  );
  expect(totalCpuMs).toBeGreaterThan(cpuMs);
  expect(samples.count).toBeGreaterThanOrEqual(3);
  expect(yardstick!.meanMs).toBeGreaterThanOrEqual(1);
});
