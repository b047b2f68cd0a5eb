import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepFor } from '../../../../autoscaler/demand/keepalive/idle-window.ts';
import { FixedKeepAlive } from '../../../../autoscaler/demand/keepalive/policies.ts';
import type { KeepAlivePolicy } from '../../../../autoscaler/demand/keepalive/policy.ts';
import { replay } from '../../../../autoscaler/simulation/keepalive/replay.ts';
import { arrivalTimes } from '../../demand/keepalive/arbitraries.ts';

const options = { startupMs: 1_000, executionMs: 100, untilMs: 100_000 };

/** Says the same always, and notes what it is told. */
class Scripted implements KeepAlivePolicy {
  readonly told: string[] = [];

  constructor(readonly window = keepFor(5_000)) {}

  idleBegan(nowMs: number) {
    this.told.push(`idle at ${nowMs}`);
    return this.window;
  }

  idleEnded(idleMs: number, nowMs: number) {
    this.told.push(`request at ${nowMs} after ${idleMs}`);
  }
}

describe('a replay', () => {
  it('lets those wait who come while an instance starts', () => {
    const outcome = replay([10_000, 10_400, 11_000], new Scripted(), { ...options, untilMs: 11_100 });
    expect(outcome).toEqual({
      requests: 3,
      coldRequests: 2,
      coldStarts: 1,
      prewarms: 0,
      coldWaitMs: 1_600,
      idleMs: 0,
    });
  });

  it('counts the time an instance is there for nobody, to the end', () => {
    const warm = replay([0, 4_000], new Scripted(), { ...options, untilMs: 6_000 });
    expect(warm).toMatchObject({ coldRequests: 1, idleMs: 2_900 + 1_900 });
    const stopped = replay([0, 20_000], new Scripted(), options);
    expect(stopped).toMatchObject({ coldRequests: 2, coldStarts: 2, idleMs: 5_000 + 5_000 });
  });

  it('counts starts ahead, whether somebody comes or not', () => {
    const ahead = new Scripted({ prewarmMs: 10_000, keepAliveMs: 12_000 });
    const met = replay([0, 1_100 + 11_000], ahead, { ...options, untilMs: 12_200 });
    expect(met).toMatchObject({ coldStarts: 1, prewarms: 1, idleMs: 2_000 });
    const early = replay([0, 1_100 + 9_700], ahead, { ...options, untilMs: 11_200 });
    expect(early).toMatchObject({ coldStarts: 2, prewarms: 1, idleMs: 700, coldWaitMs: 1_000 + 300 });
    const missed = replay([0], ahead, options);
    expect(missed).toMatchObject({ coldStarts: 1, prewarms: 1, idleMs: 3_000 });
  });

  it('tells the policy of idle periods, not of requests among others', () => {
    const policy = new Scripted();
    replay([0, 500, 1_050, 3_000], policy, { ...options, untilMs: 4_000 });
    expect(policy.told).toEqual(['idle at 1150', 'request at 3000 after 1850', 'idle at 3100']);
  });

  it('makes nothing of no arrivals', () => {
    expect(replay([], new Scripted(), options)).toMatchObject({ requests: 0, coldStarts: 0, idleMs: 0 });
  });

  it('balances: what is never stopped is cold once and idle whenever it does not run', () => {
    fc.assert(
      fc.property(arrivalTimes, (arrivals) => {
        const lastMs = arrivals[arrivals.length - 1]!;
        const untilMs = lastMs + 10_000;
        const kept = replay(arrivals, new FixedKeepAlive(Number.MAX_SAFE_INTEGER), { ...options, untilMs });
        expect(kept.coldStarts).toBe(1);
        let busyMs = 0;
        let busyUntilMs = arrivals[0]!;
        const readyAtMs = arrivals[0]! + options.startupMs;
        for (const atMs of arrivals) {
          const endMs = Math.max(atMs, readyAtMs) + options.executionMs;
          busyMs += Math.max(0, endMs - Math.max(busyUntilMs, atMs));
          busyUntilMs = Math.max(busyUntilMs, endMs);
        }
        expect(kept.idleMs).toBeCloseTo(untilMs - arrivals[0]! - busyMs, 3);
        const never = replay(arrivals, new FixedKeepAlive(0), { ...options, untilMs });
        expect(never.idleMs).toBe(0);
        expect(never.coldStarts).toBeGreaterThanOrEqual(kept.coldStarts);
        expect(never.coldRequests).toBeGreaterThanOrEqual(never.coldStarts);
      }),
    );
  });
});
