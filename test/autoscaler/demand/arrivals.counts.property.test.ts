import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ArrivalCounts } from '../../../autoscaler/demand/arrivals.ts';

const MEMORY_MS = 20_000;
const SINCE_MS = 1_234;

/** Arrivals in order, each with whether and by how much later it is taken back. */
const arrivals = fc.array(
  fc.record({
    gapMs: fc.integer({ min: 0, max: 3_000 }),
    backAfterMs: fc.option(fc.integer({ min: 0, max: 9_000 })),
  }),
  { maxLength: 60 },
);

it('what is taken back leaves the counts of any stretch as if it had never come', () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 0, max: 4_000 }), (given, laterMs) => {
      const counts = new ArrivalCounts(MEMORY_MS, SINCE_MS);
      const wanted = new ArrivalCounts(MEMORY_MS, SINCE_MS);
      let nowMs = SINCE_MS;
      const timed = given.map(({ gapMs, backAfterMs }) => {
        nowMs += gapMs;
        return { atMs: nowMs, backAfterMs };
      });
      const events = timed.flatMap(({ atMs, backAfterMs }) => [
        { ms: atMs, run: () => counts.add(atMs) },
        ...(backAfterMs === null ? [] : [{ ms: atMs + backAfterMs, run: () => counts.remove(atMs) }]),
      ]);
      for (const { run } of events.toSorted((a, b) => a.ms - b.ms)) run();
      for (const { atMs, backAfterMs } of timed) if (backAfterMs === null) wanted.add(atMs);
      const askedMs = Math.max(nowMs, ...events.map(({ ms }) => ms)) + laterMs;
      for (const buckets of [1, 4, 16, 32]) {
        expect(counts.rateUntil(askedMs, buckets)).toBe(wanted.rateUntil(askedMs, buckets));
        for (const skip of [0, 3, 8])
          expect(counts.rateOver(askedMs, { skip, buckets })).toBe(
            wanted.rateOver(askedMs, { skip, buckets }),
          );
      }
    }),
    { numRuns: 1000, seed: 1 },
  );
});

it('what came before counting began, or before its memory, is not taken from others', () => {
  const counts = new ArrivalCounts(MEMORY_MS, SINCE_MS);
  counts.add(SINCE_MS + 1);
  counts.remove(SINCE_MS - 1);
  expect(counts.rateUntil(SINCE_MS + 2, 4)).toBe(2);
  counts.add(SINCE_MS + 100_000);
  counts.remove(SINCE_MS + 1);
  expect(counts.rateUntil(SINCE_MS + 100_001, 4)).toBeGreaterThan(0);
});
