import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binOf, IdleHistogram } from '../../../../autoscaler/demand/keepalive/idle-histogram.ts';
import type { IdleWindow } from '../../../../autoscaler/demand/keepalive/idle-window.ts';
import { LongShortHistogram } from '../../../../autoscaler/demand/keepalive/long-short-histogram.ts';
import { DAY_MS, HOUR_MS, idleTimes, MINUTE_MS } from './arbitraries.ts';

const FALLBACK_MS = 10 * MINUTE_MS;

describe('LSTH', () => {
  it('keeps for the fixed time until it has seen enough', () => {
    const policy = new LongShortHistogram(FALLBACK_MS);
    for (let count = 1; count <= 4; count += 1) policy.idleEnded(30 * MINUTE_MS, count * 30 * MINUTE_MS);
    expect(policy.idleBegan(2 * HOUR_MS)).toEqual({ prewarmMs: 0, keepAliveMs: FALLBACK_MS });
  });

  it('goes by the long window where the short one holds too little', () => {
    const policy = new LongShortHistogram(FALLBACK_MS);
    for (let count = 1; count <= 10; count += 1) policy.idleEnded(30.5 * MINUTE_MS, count * 30.5 * MINUTE_MS);
    expect(policy.idleBegan(305 * MINUTE_MS)).toEqual({
      prewarmMs: 30 * MINUTE_MS,
      keepAliveMs: 31 * MINUTE_MS,
    });
  });

  it('goes half by the last hour and half by the last day', () => {
    const policy = new LongShortHistogram(FALLBACK_MS);
    for (let count = 1; count <= 39; count += 1) policy.idleEnded(20 * MINUTE_MS, count * 20 * MINUTE_MS);
    for (let count = 1; count <= 15; count += 1)
      policy.idleEnded(4 * MINUTE_MS, 13 * HOUR_MS + count * 4 * MINUTE_MS);
    expect(policy.idleBegan(14 * HOUR_MS)).toEqual({
      prewarmMs: ((4 + 4) / 2) * MINUTE_MS,
      keepAliveMs: ((21 + 5) / 2) * MINUTE_MS,
    });
  });

  it('forgets after a day', () => {
    const policy = new LongShortHistogram(FALLBACK_MS);
    for (let count = 1; count <= 100; count += 1) policy.idleEnded(5 * MINUTE_MS, count * 5 * MINUTE_MS);
    expect(policy.idleBegan(500 * MINUTE_MS + DAY_MS + 1)).toEqual({
      prewarmMs: 0,
      keepAliveMs: FALLBACK_MS,
    });
  });

  it('says what counting everything anew would say', () => {
    const steps = fc.record({ gapMs: idleTimes, times: fc.integer({ min: 1, max: 30 }) });
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 40 }), (history) => {
        const policy = new LongShortHistogram(FALLBACK_MS);
        const ended: Ended[] = [];
        let nowMs = 0;
        for (const { gapMs, times } of history) {
          for (let count = 0; count < times; count += 1) {
            nowMs += gapMs;
            policy.idleEnded(gapMs, nowMs);
            ended.push({ atMs: nowMs, idleMs: gapMs });
          }
          expect(policy.idleBegan(nowMs)).toEqual(plainly(ended, nowMs));
        }
      }),
      { numRuns: 50 },
    );
  });
});

interface Ended {
  readonly atMs: number;
  readonly idleMs: number;
}

/** The policy from its definition; idle times leave a window five minutes at a time. */
function plainly(ended: readonly Ended[], nowMs: number): IdleWindow {
  const within = (windowMs: number): IdleHistogram => {
    const histogram = new IdleHistogram();
    const slot = (atMs: number): number => Math.floor(atMs / (5 * MINUTE_MS));
    for (const { atMs, idleMs } of ended) {
      if (slot(atMs) > slot(nowMs) - windowMs / (5 * MINUTE_MS)) histogram.add(binOf(idleMs));
    }
    return histogram;
  };
  const long = within(DAY_MS);
  const short = within(HOUR_MS);
  if (long.total < 5) return { prewarmMs: 0, keepAliveMs: FALLBACK_MS };
  if (short.total < 5) return { prewarmMs: long.headMs, keepAliveMs: long.tailMs };
  return {
    prewarmMs: (long.headMs + short.headMs) / 2,
    keepAliveMs: (long.tailMs + short.tailMs) / 2,
  };
}
