import { describe, expect, it } from 'vitest';
import { Idleness } from '../../../../autoscaler/demand/keepalive/idleness.ts';
import { createKeepAlivePolicy } from '../../../../autoscaler/demand/keepalive/policies.ts';

const MINUTE = 60_000;
const STARTUP_MS = 2_000;

describe('Idleness under a fixed keep-alive', () => {
  const create = (): Idleness => new Idleness(createKeepAlivePolicy('fixed', 10 * MINUTE), 10 * MINUTE, 0);

  it('holds a new function from its deployment, and again from its first instance on', () => {
    const idleness = create();
    expect(idleness.isHeld(9 * MINUTE, STARTUP_MS)).toBe(true);
    idleness.becameReady(9 * MINUTE);
    expect(idleness.isHeld(18 * MINUTE, STARTUP_MS)).toBe(true);
    expect(idleness.isHeld(19 * MINUTE, STARTUP_MS)).toBe(false);
  });

  it('holds a new function also where its policy finds cold starts cheaper than instances', () => {
    const idleness = new Idleness(createKeepAlivePolicy('tournament', 600), 600, 0);
    idleness.becameReady(1_000);
    expect(idleness.isHeld(1_500, STARTUP_MS)).toBe(true);
    expect(idleness.isHeld(1_600, STARTUP_MS)).toBe(false);
  });

  it('holds at its very beginning, also for who has looked at the clock a moment before', () => {
    const idleness = create();
    idleness.arrived(MINUTE, STARTUP_MS);
    idleness.drained(2 * MINUTE);
    expect(idleness.isHeld(2 * MINUTE - 1, STARTUP_MS)).toBe(true);
  });

  it('holds while requests wait or run, however long', () => {
    const idleness = create();
    idleness.arrived(MINUTE, STARTUP_MS);
    expect(idleness.isHeld(60 * MINUTE, STARTUP_MS)).toBe(true);
  });

  it('counts from the last answer, not from when an instance was started again', () => {
    const idleness = create();
    idleness.arrived(MINUTE, STARTUP_MS);
    idleness.drained(2 * MINUTE);
    idleness.becameReady(5 * MINUTE);
    idleness.drained(6 * MINUTE); // told again while idle: the period goes on
    expect(idleness.isHeld(11.9 * MINUTE, STARTUP_MS)).toBe(true);
    expect(idleness.isHeld(12 * MINUTE, STARTUP_MS)).toBe(false);
  });
});

describe('a function whose requests were given up, since there was no instance', () => {
  /**
   * As of a function that may not be late: its first requests are refused long before an instance is ready.
   */
  function unserved(policy: 'fixed' | 'tournament'): Idleness {
    const idleness = new Idleness(createKeepAlivePolicy(policy, 3_000), 3_000, 0);
    idleness.arrived(MINUTE, STARTUP_MS);
    idleness.drained(MINUTE + 10, false);
    return idleness;
  }

  it.each(['fixed', 'tournament'] as const)('is held from when one is ready (%s)', (policy) => {
    const idleness = unserved(policy);
    expect(idleness.isHeld(MINUTE + 20, STARTUP_MS)).toBe(true);
    const readyMs = MINUTE + 5_000; // longer than it would be held after an answer
    idleness.becameReady(readyMs);
    expect(idleness.isHeld(readyMs + 2_900, STARTUP_MS)).toBe(true);
    expect(idleness.changesAtMs(readyMs, STARTUP_MS)).toBe(readyMs + 3_000);
    expect(idleness.isHeld(readyMs + 3_000, STARTUP_MS)).toBe(false);
  });

  it('is held as ever once it was served', () => {
    const idleness = unserved('fixed');
    idleness.becameReady(MINUTE + 5_000);
    idleness.arrived(MINUTE + 6_000, STARTUP_MS);
    idleness.drained(MINUTE + 6_100);
    idleness.becameReady(MINUTE + 8_000);
    expect(idleness.isHeld(MINUTE + 9_000, STARTUP_MS)).toBe(true);
    expect(idleness.isHeld(MINUTE + 9_100, STARTUP_MS)).toBe(false);
  });
});

it('lets a function go that is called every hour, and has an instance ready when the hour is over', () => {
  const idleness = new Idleness(createKeepAlivePolicy('lsth', 10 * MINUTE), 10 * MINUTE, 0);
  let nowMs = 0;
  for (let hour = 0; hour < 24; hour += 1) {
    nowMs = (hour + 1) * 60 * MINUTE;
    idleness.arrived(nowMs, STARTUP_MS);
    idleness.drained(nowMs + 100);
  }
  expect(idleness.isHeld(nowMs + 30 * MINUTE, STARTUP_MS)).toBe(false);
  expect(idleness.isHeld(nowMs + 60 * MINUTE, STARTUP_MS)).toBe(true);
  expect(idleness.isHeld(nowMs + 90 * MINUTE, STARTUP_MS)).toBe(false);
});

it('tells when it will think otherwise, each time it will', () => {
  const idleness = new Idleness(createKeepAlivePolicy('lsth', 10 * MINUTE), 10 * MINUTE, 0);
  let nowMs = 0;
  for (let hour = 0; hour < 24; hour += 1) {
    nowMs = (hour + 1) * 60 * MINUTE;
    idleness.arrived(nowMs, STARTUP_MS);
    expect(idleness.changesAtMs(nowMs, STARTUP_MS)).toBe(Infinity);
    expect(idleness.drained(nowMs + 100)).toBe(true);
    expect(idleness.drained(nowMs + 200)).toBe(false);
  }
  const seen: boolean[] = [];
  for (let atMs = nowMs + 200; atMs < Infinity; atMs = idleness.changesAtMs(atMs, STARTUP_MS)) {
    seen.push(idleness.isHeld(atMs, STARTUP_MS));
    if (seen.length > 1) expect(idleness.isHeld(atMs - 1, STARTUP_MS)).toBe(!seen.at(-1));
  }
  expect(seen).toEqual([false, true, false]);
});
