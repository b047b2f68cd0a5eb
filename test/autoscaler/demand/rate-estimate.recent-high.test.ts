import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentHigh } from '../../../autoscaler/demand/rate-estimate.ts';

/** Values at ascending times, some of them at the same, and how far back is looked then. */
const looks = fc.array(fc.record({ afterMs: fc.nat(50), value: fc.nat(20), memoryMs: fc.nat(200) }), {
  minLength: 1,
  maxLength: 200,
});

describe('RecentHigh', () => {
  it('knows of no height before anything was noted', () => {
    expect(new RecentHigh().since(-Infinity)).toBe(0);
  });

  it('remembers a peak up to the moment that is asked for, and then the next lower', () => {
    const highs = new RecentHigh();
    highs.note(0, 9);
    highs.note(1, 3);
    highs.note(2, 5);
    expect(highs.since(0)).toBe(9);
    expect(highs.since(1)).toBe(5);
    expect(highs.since(2)).toBe(5);
    expect(highs.since(3)).toBe(0);
  });

  it('is the maximum over the window, however long that is from question to question', () => {
    fc.assert(
      fc.property(looks, (steps) => {
        const highs = new RecentHigh();
        const noted: { readonly atMs: number; readonly value: number }[] = [];
        let nowMs = 0;
        let sinceMs = -Infinity;
        for (const { afterMs, value, memoryMs } of steps) {
          nowMs += afterMs;
          highs.note(nowMs, value);
          noted.push({ atMs: nowMs, value });
          sinceMs = Math.max(sinceMs, nowMs - memoryMs);
          const inWindow = noted.filter(({ atMs }) => atMs >= sinceMs);
          expect(highs.since(sinceMs)).toBe(Math.max(...inWindow.map((each) => each.value)));
        }
      }),
    );
  });
});
