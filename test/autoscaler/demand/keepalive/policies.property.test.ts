import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IdleWindow } from '../../../../autoscaler/demand/keepalive/idle-window.ts';
import {
  createKeepAlivePolicy,
  KEEP_ALIVE_POLICIES,
} from '../../../../autoscaler/demand/keepalive/policies.ts';
import type { KeepAlivePolicy } from '../../../../autoscaler/demand/keepalive/policy.ts';
import { replay } from '../../../../autoscaler/simulation/keepalive/replay.ts';
import { arrivalTimes, HOUR_MS, MINUTE_MS } from './arbitraries.ts';

const options = { startupMs: 2_000, executionMs: 50 };

const keepAlives = fc.integer({ min: 1, max: 6 * 60 }).map((minutes) => minutes * MINUTE_MS);

/** All that a policy says over the arrivals. */
function decisionsOf(policy: KeepAlivePolicy, arrivals: readonly number[]): IdleWindow[] {
  const decisions: IdleWindow[] = [];
  const recorded: KeepAlivePolicy = {
    idleBegan: (nowMs, startupMs) => {
      const window = policy.idleBegan(nowMs, startupMs);
      decisions.push(window);
      return window;
    },
    idleEnded: (idleMs, nowMs) => policy.idleEnded(idleMs, nowMs),
  };
  replay(arrivals, recorded, { ...options, untilMs: arrivals[arrivals.length - 1]! + HOUR_MS });
  return decisions;
}

describe.each(KEEP_ALIVE_POLICIES)('%s', (name) => {
  it('says windows that begin before they end', () => {
    fc.assert(
      fc.property(arrivalTimes, keepAlives, (arrivals, keepAliveMs) => {
        for (const { prewarmMs, keepAliveMs: untilMs } of decisionsOf(
          createKeepAlivePolicy(name, keepAliveMs),
          arrivals,
        )) {
          expect(prewarmMs).toBeGreaterThanOrEqual(0);
          expect(untilMs).toBeGreaterThanOrEqual(prewarmMs);
          expect(untilMs).toBeLessThan(Number.POSITIVE_INFINITY);
        }
      }),
    );
  });

  it('does not see the future: what it has said stays as it was, whatever comes', () => {
    fc.assert(
      fc.property(arrivalTimes, fc.nat(119), (arrivals, cut) => {
        const past = arrivals.slice(0, 1 + (cut % arrivals.length));
        const said = decisionsOf(createKeepAlivePolicy(name), past);
        expect(decisionsOf(createKeepAlivePolicy(name), arrivals).slice(0, said.length - 1)).toEqual(
          said.slice(0, -1),
        );
      }),
    );
  });

  it('says the same on the same arrivals', () => {
    fc.assert(
      fc.property(arrivalTimes, (arrivals) => {
        expect(decisionsOf(createKeepAlivePolicy(name), arrivals)).toEqual(
          decisionsOf(createKeepAlivePolicy(name), arrivals),
        );
      }),
      { numRuns: 20 },
    );
  });
});
