import { describe, expect, it } from 'vitest';
import { StartBackoff } from '../../../autoscaler/fleet/start-backoff.ts';

/** Fails whenever it may be tried again; returns the pauses. */
function pausesOf(backoff: StartBackoff, attempts: number): number[] {
  return Array.from({ length: attempts }, () => {
    const nowMs = backoff.retryAtMs;
    backoff.failed(nowMs, 'no memory');
    return backoff.retryAtMs - nowMs;
  });
}

describe('the pause after a failed start', () => {
  it('doubles up to a minute', () => {
    expect(pausesOf(new StartBackoff(), 9)).toEqual([
      500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000,
    ]);
  });

  it('allows no start before it is over', () => {
    const backoff = new StartBackoff();
    expect(backoff.mayStart(0)).toBe(true);
    backoff.failed(10_000, 'no memory');
    expect([10_000, 10_499, 10_500].map((nowMs) => backoff.mayStart(nowMs))).toEqual([false, false, true]);
  });

  it('counts starts that fail together once, and tells the last reason', () => {
    const backoff = new StartBackoff();
    for (const reason of ['first', 'second', 'third', 'fourth']) backoff.failed(1_000, reason);
    expect(backoff).toMatchObject({ retryAtMs: 1_500, failedForGood: false, reason: 'fourth' });
  });

  it('is hopeless after three in a row, and hopeful once an instance has answered', () => {
    const backoff = new StartBackoff();
    pausesOf(backoff, 3);
    expect(backoff.failedForGood).toBe(true);
    const startedAtMs = backoff.retryAtMs;
    backoff.ready(startedAtMs);
    backoff.answered(startedAtMs);
    expect(backoff).toMatchObject({ failedForGood: false, reason: undefined });
    expect(pausesOf(backoff, 1)).toEqual([500]);
  });

  it('goes on growing while an instance from before the failures answers', () => {
    const backoff = new StartBackoff();
    const pauses = [60_000, 70_000, 80_000].map((nowMs) => {
      backoff.failed(nowMs, 'no memory');
      backoff.answered(10_000);
      backoff.ready(10_000);
      return backoff.retryAtMs - nowMs;
    });
    expect(pauses).toEqual([500, 1000, 2000]);
    expect(backoff.reason).toBe('no memory');
  });

  it('goes on growing where instances become ready only to fail', () => {
    const backoff = new StartBackoff();
    const pauses = [0, 10_000, 20_000].map((nowMs) => {
      backoff.failed(nowMs, 'killed by its first batch');
      const pauseMs = backoff.retryAtMs - nowMs;
      backoff.ready(nowMs + pauseMs);
      return pauseMs;
    });
    expect(pauses).toEqual([500, 1000, 2000]);
  });
});
