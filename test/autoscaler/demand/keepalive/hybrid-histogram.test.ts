import { expect, it } from 'vitest';
import { HybridHistogram } from '../../../../autoscaler/demand/keepalive/hybrid-histogram.ts';
import { HOUR_MS, MINUTE_MS } from './arbitraries.ts';

function afterIdleTimes(idleTimesMs: readonly number[]): HybridHistogram {
  const policy = new HybridHistogram();
  for (const idleMs of idleTimesMs) policy.idleEnded(idleMs);
  return policy;
}

it('keeps for the whole range before it knows anything', () => {
  expect(afterIdleTimes([]).idleBegan()).toEqual({ prewarmMs: 0, keepAliveMs: 4 * HOUR_MS });
});

it('starts ahead of a timer, with a margin of a tenth on both sides', () => {
  const idleTimesMs = Array.from({ length: 50 }, () => 30.5 * MINUTE_MS);
  const window = afterIdleTimes(idleTimesMs).idleBegan();
  expect(window.prewarmMs).toBeCloseTo(27 * MINUTE_MS, 6);
  expect(window.keepAliveMs).toBeCloseTo(34.1 * MINUTE_MS, 6);
});

it('keeps for the whole range where idle times are everywhere alike', () => {
  const idleTimesMs = Array.from({ length: 500 }, (_, index) => ((index * 37) % 240) * MINUTE_MS);
  expect(afterIdleTimes(idleTimesMs).idleBegan()).toEqual({ prewarmMs: 0, keepAliveMs: 4 * HOUR_MS });
});

it('goes by the last idle time where most are beyond the range', () => {
  const window = afterIdleTimes([10 * MINUTE_MS, 5 * HOUR_MS, 6 * HOUR_MS]).idleBegan();
  expect(window.prewarmMs).toBeCloseTo(0.85 * 6 * HOUR_MS, 6);
  expect(window.keepAliveMs).toBeCloseTo(1.15 * 6 * HOUR_MS, 6);
});
