import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mismatchText, TableWatch } from '../../../autoscaler/latency/table-watch.ts';

const config = { batch: 4, cpuMillicores: 500, gpuPercent: 0 };

/** Batches of 10 ms by the table, ten a second. */
function watchOf(relativeError = 0) {
  let nowMs = 1_000;
  const watch = new TableWatch({ config, relativeError, nowMs: () => nowMs });
  const run = (batches: number, executeMs: (index: number) => number) => {
    for (let index = 0; index < batches; index += 1) {
      nowMs += 100;
      watch.add(executeMs(index), 10);
    }
    return watch.mismatch;
  };
  return { run };
}

it('a table that is right, or wrong for a while, is not complained of', () => {
  expect(watchOf().run(5_000, () => 11)).toBeUndefined();
  expect(watchOf().run(600, () => 20)).toBeUndefined(); // believed after 100 batches, and not a minute since
  const { run } = watchOf();
  run(1_000, () => 10);
  run(300, () => 20); // half a minute of a noisy neighbour
  expect(run(1_000, () => 10)).toBeUndefined();
});

it('one that stays wrong is, until it is right again', () => {
  const { run } = watchOf();
  const mismatch = run(1_000, () => 20);
  expect(mismatch).toEqual({ config, configText: 'b4 c0.5', slowdown: 2, sinceMs: 1_000 + 100 * 100 });
  expect(mismatchText([mismatch!])).toBe(
    'The table does not match here: b4 c0.5 takes 2.00 times as long as it says.',
  );
  expect(run(1_000, () => 10)).toBeUndefined();
  expect(run(2_000, () => 5)?.slowdown).toBeCloseTo(0.5);
});

it('what the table itself does not know well may be off by more', () => {
  expect(watchOf(0.2).run(2_000, () => 15)).toBeUndefined();
  expect(watchOf(0.1).run(2_000, () => 15)).toBeDefined();
});

it('noise within the band is no mismatch', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.5, max: 1.5, noNaN: true }), { minLength: 500 }), (noise) => {
      // the noise and what balances it
      const balanced = (index: number): number =>
        10 * (index % 2 === 0 ? noise[index % noise.length]! : 2 - noise[(index - 1) % noise.length]!);
      expect(watchOf().run(noise.length, balanced)).toBeUndefined();
    }),
    { numRuns: 30 },
  );
});
