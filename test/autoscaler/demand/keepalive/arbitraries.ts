import fc from 'fast-check';
import type { IdleWindow } from '../../../../autoscaler/demand/keepalive/idle-window.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Windows in whole milliseconds, some of them empty. */
export const windows: fc.Arbitrary<IdleWindow> = fc
  .tuple(fc.nat(300), fc.nat(300))
  .map(([a, b]) => ({ prewarmMs: Math.min(a, b), keepAliveMs: Math.max(a, b) }));

export const startupTimes = fc.integer({ min: 1, max: 100 });

/** Idle times of all magnitudes, from a moment to beyond the range of histograms. */
export const idleTimes = fc.oneof(
  fc.integer({ min: 1, max: 2 * MINUTE_MS }),
  fc.integer({ min: MINUTE_MS, max: HOUR_MS }),
  fc.integer({ min: HOUR_MS, max: 9 * HOUR_MS }),
);

/** Arrivals, in ms from the beginning: some requests close together, then a pause. */
export const arrivalTimes: fc.Arbitrary<number[]> = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 5_000 }), idleTimes), { minLength: 1, maxLength: 120 })
  .map((gaps) => {
    let atMs = 0;
    return gaps.map((gapMs) => {
      atMs += gapMs;
      return atMs;
    });
  });
