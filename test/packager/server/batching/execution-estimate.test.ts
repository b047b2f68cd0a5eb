import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LearnedEstimate } from '../../../../packager/server/batching/execution-estimate.ts';

describe('learned execution time', () => {
  test('sizes between those seen lie on the line between them', () => {
    const estimate = new LearnedEstimate(8);
    for (let run = 0; run < 100; run += 1) {
      estimate.observe(1, 10);
      estimate.observe(5, 50);
    }
    expect([1, 2, 3, 5].map((size) => estimate.executionMs(size))).toEqual(
      [10, 20, 30, 50].map((ms) => expect.closeTo(ms, 6)),
    );
    expect(estimate.executionMs(8)).toBeCloseTo(80); // beyond the largest: its time per request
  });

  test('a smaller batch than any seen takes at most as long', () => {
    const estimate = new LearnedEstimate(8);
    for (let run = 0; run < 100; run += 1) estimate.observe(4, 40);
    expect(estimate.executionMs(1)).toBeCloseTo(40);
  });

  test('follows a machine that has become slower', () => {
    const estimate = new LearnedEstimate(1);
    for (let run = 0; run < 50; run += 1) estimate.observe(1, 10);
    for (let run = 0; run < 50; run += 1) estimate.observe(1, 30);
    expect(estimate.executionMs(1)).toBeGreaterThan(29);
    expect(estimate.executionMs(1)).toBeLessThan(40);
  });

  test('allows for scatter', () => {
    const estimate = new LearnedEstimate(1);
    for (let run = 0; run < 200; run += 1) estimate.observe(1, run % 2 === 0 ? 8 : 12);
    expect(estimate.executionMs(1)).toBeGreaterThan(12);
  });

  test('whatever was seen: positive, and never less for more requests', () => {
    const observation = fc.tuple(
      fc.integer({ min: 1, max: 16 }),
      fc.double({ min: 0.01, max: 1e5, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(observation), (observations) => {
        const estimate = new LearnedEstimate(16);
        for (const [requests, durationMs] of observations) estimate.observe(requests, durationMs);
        let last = 0;
        for (let requests = 1; requests <= 16; requests += 1) {
          const ms = estimate.executionMs(requests);
          expect(ms).toBeGreaterThan(0);
          expect(ms).toBeGreaterThanOrEqual(last * (1 - 1e-12));
          last = ms;
        }
      }),
    );
  });
});
