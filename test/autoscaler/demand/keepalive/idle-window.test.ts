import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  heldMs,
  isHeld,
  isReady,
  keepFor,
  waitMs,
} from '../../../../autoscaler/demand/keepalive/idle-window.ts';
import { startupTimes, windows } from './arbitraries.ts';

describe('an instance that is kept', () => {
  const window = keepFor(600);

  it('is there for requests until it is stopped', () => {
    expect(waitMs(window, 0, 50)).toBe(0);
    expect(waitMs(window, 599, 50)).toBe(0);
    expect(waitMs(window, 600, 50)).toBe(50);
  });

  it('is paid for until a request comes, or it is stopped', () => {
    expect(heldMs(window, 100, 50)).toBe(100);
    expect(heldMs(window, 5_000, 50)).toBe(600);
  });
});

describe('an instance that is stopped and started ahead', () => {
  const window = { prewarmMs: 1_000, keepAliveMs: 1_200 };

  it('lets a request wait for as much of a start as is left', () => {
    expect(waitMs(window, 0, 50)).toBe(50);
    expect(waitMs(window, 949, 50)).toBe(50);
    expect(waitMs(window, 970, 50)).toBe(30);
    expect(waitMs(window, 1_000, 50)).toBe(0);
    expect(waitMs(window, 1_200, 50)).toBe(50);
  });

  it('is paid for from the beginning of its start', () => {
    expect(heldMs(window, 900, 50)).toBe(0);
    expect(heldMs(window, 970, 50)).toBe(20);
    expect(heldMs(window, 9_999, 50)).toBe(250);
  });

  it('is not stopped where it would have to be started at once', () => {
    expect(isHeld(window, 0, 1_000)).toBe(true);
    expect(waitMs(window, 500, 1_000)).toBe(0);
    expect(heldMs(window, 500, 1_000)).toBe(500);
  });
});

it('holds for as long as it says it is held', () => {
  fc.assert(
    fc.property(windows, fc.nat(400), startupTimes, (window, idleMs, startupMs) => {
      let held = 0;
      for (let ms = 0; ms < idleMs; ms += 1) if (isHeld(window, ms, startupMs)) held += 1;
      expect(heldMs(window, idleMs, startupMs)).toBe(held);
    }),
  );
});

it('finds ready only what is held, and waits otherwise, at most for a whole start', () => {
  fc.assert(
    fc.property(windows, fc.nat(400), startupTimes, (window, idleMs, startupMs) => {
      const waitsMs = waitMs(window, idleMs, startupMs);
      if (isReady(window, idleMs, startupMs)) {
        expect(isHeld(window, idleMs, startupMs)).toBe(true);
        expect(waitsMs).toBe(0);
      } else {
        expect(waitsMs).toBeGreaterThan(0);
        expect(waitsMs).toBeLessThanOrEqual(startupMs);
      }
    }),
  );
});
