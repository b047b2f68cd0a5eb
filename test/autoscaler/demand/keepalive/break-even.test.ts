import { describe, expect, it } from 'vitest';
import { BreakEven } from '../../../../autoscaler/demand/keepalive/break-even.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './arbitraries.ts';

const PRICE_MS = 10 * MINUTE_MS;
const STARTUP_MS = 3_000;

function policy(coldStartPriceMs = PRICE_MS): BreakEven {
  return new BreakEven({ coldStartPriceMs, halfLifeMs: DAY_MS });
}

/** @returns when the last one ended */
function feed(learner: BreakEven, idleTimesMs: readonly number[], sinceMs = 0): number {
  let nowMs = sinceMs;
  for (const idleMs of idleTimesMs) {
    nowMs += idleMs;
    learner.idleEnded(idleMs, nowMs);
  }
  return nowMs;
}

function times(count: number, idleMs: number): number[] {
  return new Array<number>(count).fill(idleMs);
}

describe('break-even', () => {
  it.each([1, 5, 10, 60])('keeps for the price of a cold start, %i minutes, knowing nothing', (minutes) => {
    expect(policy(minutes * MINUTE_MS).idleBegan(0, STARTUP_MS)).toEqual({
      prewarmMs: 0,
      keepAliveMs: minutes * MINUTE_MS,
    });
  });

  it('is there when a timer is due, and not before', () => {
    const learner = policy();
    const window = learner.idleBegan(feed(learner, times(30, HOUR_MS)), STARTUP_MS);
    expect(window.prewarmMs).toBeGreaterThan(50 * MINUTE_MS);
    expect(window.prewarmMs).toBeLessThan(HOUR_MS);
    expect(window.keepAliveMs).toBeGreaterThan(HOUR_MS);
    expect(window.keepAliveMs).toBeLessThan(70 * MINUTE_MS);
  });

  it('is there only where requests have become likely', () => {
    const learner = policy();
    const farApart = Array.from({ length: 100 }, (_, index) => (60 + ((index * 53) % 180)) * MINUTE_MS);
    const { prewarmMs, keepAliveMs } = learner.idleBegan(feed(learner, farApart), STARTUP_MS);
    expect(prewarmMs).toBeGreaterThan(200 * MINUTE_MS);
    expect(keepAliveMs).toBe(240 * MINUTE_MS);
  });

  it('stops at once where they never are', () => {
    const learner = policy();
    const hours = [1, 5, 1.6, 3, 1.2, 8, 2, 12, 1.4, 4, 2.5, 20, 1.8, 6];
    const neverLikely = Array.from({ length: 140 }, (_, index) => hours[index % hours.length]! * HOUR_MS);
    expect(learner.idleBegan(feed(learner, neverLikely), STARTUP_MS)).toEqual({
      prewarmMs: 0,
      keepAliveMs: 0,
    });
  });

  it('keeps longer the dearer a cold start is', () => {
    const idleTimesMs = Array.from({ length: 200 }, (_, index) => ((index * 53) % 120) * MINUTE_MS);
    const keepAlives = [1, 5, 20, 100].map((minutes) => {
      const learner = policy(minutes * MINUTE_MS);
      return learner.idleBegan(feed(learner, idleTimesMs), STARTUP_MS).keepAliveMs;
    });
    expect(keepAlives).toEqual([...keepAlives].sort((a, b) => a - b));
    expect(keepAlives[3]).toBeGreaterThanOrEqual(120 * MINUTE_MS);
  });

  it('spans the pauses within a burst but not those between bursts', () => {
    const learner = policy();
    const bursts = Array.from({ length: 200 }, (_, index) =>
      index % 10 === 0 ? 3 * HOUR_MS : 5_000 + ((index * 37) % 100) * 1_000,
    );
    const window = learner.idleBegan(feed(learner, bursts), STARTUP_MS);
    expect(window.prewarmMs).toBe(0);
    expect(window.keepAliveMs).toBeGreaterThanOrEqual(2 * MINUTE_MS);
    expect(window.keepAliveMs).toBeLessThanOrEqual(5 * MINUTE_MS);
  });

  it('forgets: after days of another rhythm the old one is gone', () => {
    const learner = policy();
    const changedMs = feed(learner, times(500, 20 * MINUTE_MS));
    const window = learner.idleBegan(feed(learner, times(200, HOUR_MS), changedMs), STARTUP_MS);
    expect(window.prewarmMs).toBeGreaterThan(50 * MINUTE_MS);
  });

  it('keeps its weights in range over years', () => {
    const learner = policy();
    const nowMs = feed(learner, times(20_000, HOUR_MS));
    expect(learner.idleBegan(nowMs, STARTUP_MS).prewarmMs).toBeGreaterThan(50 * MINUTE_MS);
  });
});
