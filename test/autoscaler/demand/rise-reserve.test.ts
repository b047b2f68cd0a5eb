import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RiseReserve } from '../../../autoscaler/demand/rise-reserve.ts';
import { every } from '../../support/request-streams.ts';

const SHARE = 0.008;
const TICK_MS = 500;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Shows it exactly known rates, and tells what it asks for at each look. */
function watch(
  reserve: RiseReserve,
  rateAt: (atMs: number) => number,
  untilMs: number,
  leadMs: number,
  fromMs = 0,
): number[] {
  return every(TICK_MS, untilMs, 0).map((atMs) => {
    const ratePerSecond = rateAt(atMs);
    reserve.observe(fromMs + atMs, ratePerSecond, ratePerSecond, leadMs);
    return reserve.factor;
  });
}

/** What share of the requests finds no room that was ordered the lead time ago, from some moment on. */
function shortShare(
  rateAt: (atMs: number) => number,
  factors: readonly number[],
  leadMs: number,
  fromMs: number,
): number {
  let short = 0;
  let requests = 0;
  for (let atMs = fromMs; atMs < factors.length * TICK_MS; atMs += TICK_MS) {
    const orderedMs = atMs - leadMs;
    const room = rateAt(orderedMs) * factors[orderedMs / TICK_MS]!;
    short += Math.max(0, rateAt(atMs) - room);
    requests += rateAt(atMs);
  }
  return short / requests;
}

/** Rises by a factor every minute, and starts anew after some. */
function staircase(factor: number, steps = 12): (atMs: number) => number {
  return (atMs) => 100 * factor ** (Math.floor(atMs / MINUTE_MS) % steps);
}

describe('the reserve of a function of which nothing is known', () => {
  it('is a rise of 30 % before there is anything to learn from', () => {
    const reserve = new RiseReserve(SHARE, 0);
    expect(reserve.factor).toBe(1.3);
    expect(watch(reserve, () => 100, 4_500, 5_000).every((factor) => factor === 1.3)).toBe(true);
  });

  it('is learnt from no less than one request a second', () => {
    const reserve = new RiseReserve(SHARE, 0);
    expect(watch(reserve, () => 0.9, 10 * MINUTE_MS, 1_000).at(-1)).toBe(1.3);
  });

  it('fades within minutes where nothing changes, sooner where instances start sooner', () => {
    const factors = watch(new RiseReserve(SHARE, 0), () => 100, 15 * MINUTE_MS, 5_000);
    const at = (atMs: number): number => factors[atMs / TICK_MS]!;
    expect(at(30_000)).toBeGreaterThan(1.1);
    expect(at(2 * MINUTE_MS)).toBeLessThan(1.05);
    expect(at(4 * MINUTE_MS)).toBe(1);
    expect(watch(new RiseReserve(SHARE, 0), () => 100, 10_000, 1_000).at(-1)).toBe(1);
    expect(watch(new RiseReserve(SHARE, 0), () => 100, 4 * MINUTE_MS, 20_000).at(-1)).toBeGreaterThan(1.1);
  });

  it('is the same for one whose first requests come an hour or days after it was declared', () => {
    const early = watch(new RiseReserve(SHARE, 0), () => 100, 5 * MINUTE_MS, 5_000);
    for (const fromMs of [60 * MINUTE_MS, DAY_MS, 30 * DAY_MS]) {
      const late = watch(new RiseReserve(SHARE, 0), () => 100, 5 * MINUTE_MS, 5_000, fromMs);
      for (const [index, factor] of late.entries()) expect(factor).toBeCloseTo(early[index]!, 9);
    }
  });
});

describe('the reserve that is learnt', () => {
  it.each([
    [1.2, 5_000],
    [1.2, 20_000],
    [1.5, 5_000],
  ])(
    'leaves about the share allowed without room on a staircase of ×%d a minute, %d ms ahead',
    (factor, leadMs) => {
      const rateAt = staircase(factor);
      const factors = watch(new RiseReserve(SHARE, 0), rateAt, 60 * MINUTE_MS, leadMs);
      const share = shortShare(rateAt, factors, leadMs, 12 * MINUTE_MS);
      expect(share).toBeGreaterThan(0.8 * SHARE);
      expect(share).toBeLessThan(1.1 * SHARE);
      expect(factors.at(-1)).toBeGreaterThan(1.02);
      expect(factors.at(-1)).toBeLessThan(factor);
    },
  );

  it('is nothing where the rises themselves are no more than is allowed', () => {
    const rateAt = staircase(1.2);
    const factors = watch(new RiseReserve(SHARE, 0), rateAt, 30 * MINUTE_MS, 1_000);
    expect(shortShare(rateAt, factors, 1_000, 12 * MINUTE_MS)).toBeLessThan(SHARE);
    expect(factors.at(-1)).toBe(1);
  });

  it('is nothing for what only falls, or only seems to rise', () => {
    const fallsAt = (atMs: number): number => 200 - atMs / ((20 * MINUTE_MS) / 100);
    const falling = watch(new RiseReserve(SHARE, 0), fallsAt, 20 * MINUTE_MS, 5_000);
    expect(falling.at(-1)).toBe(1);
    const reserve = new RiseReserve(SHARE, 0);
    for (const atMs of every(TICK_MS, 20 * MINUTE_MS)) {
      const seemsPerSecond = (atMs / TICK_MS) % 20 < 10 ? 100 : 130;
      reserve.observe(atMs, seemsPerSecond, seemsPerSecond - 40, 5_000);
    }
    expect(reserve.factor).toBe(1);
  });

  it('forgets rises within an hour, however long they went on', () => {
    const calmMs = 120 * MINUTE_MS;
    const stairs = staircase(1.5);
    const rateAt = (atMs: number): number => (atMs < calmMs ? stairs(atMs) : 100);
    const factors = watch(new RiseReserve(SHARE, 0), rateAt, calmMs + 90 * MINUTE_MS, 5_000);
    expect(factors[calmMs / TICK_MS]).toBeGreaterThan(1.2);
    expect(factors.at(-1)).toBe(1);
  });

  it('goes on learning over weeks, pauses of weeks included', () => {
    const reserve = new RiseReserve(SHARE, 0);
    let fromMs = 0;
    for (const pauseMs of [0, 5 * DAY_MS, 9 * DAY_MS, 40 * DAY_MS]) {
      fromMs += pauseMs;
      const stairs = staircase(1.2);
      const factors = watch(reserve, stairs, 60 * MINUTE_MS, 5_000, fromMs);
      expect(shortShare(stairs, factors, 5_000, 24 * MINUTE_MS)).toBeLessThan(1.25 * SHARE);
      expect(factors.at(-1)).toBeGreaterThan(1.02);
      fromMs += pauseMs + 60 * MINUTE_MS;
      expect(watch(reserve, () => 900, 120 * MINUTE_MS, 5_000, fromMs).at(-1)).toBe(1);
      fromMs += 120 * MINUTE_MS;
    }
  });
});

describe('the reserve, whatever it sees', () => {
  const looks = fc.array(
    fc.record({
      afterMs: fc.oneof(fc.nat(1_000), fc.integer({ min: 0, max: 20 * DAY_MS })),
      ratePerSecond: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e5, noNaN: true })),
      certain: fc.double({ min: 0, max: 1, noNaN: true }),
      leadMs: fc.integer({ min: 0, max: 120_000 }),
    }),
    { maxLength: 100 },
  );
  type Looks = typeof looks extends fc.Arbitrary<infer Value> ? Value : never;

  function factorAfter(steps: Looks, share: number, { scale = 1, fromMs = 0 } = {}): number {
    const reserve = new RiseReserve(share, fromMs);
    let nowMs = fromMs;
    for (const { afterMs, ratePerSecond, certain, leadMs } of steps) {
      nowMs += afterMs;
      reserve.observe(nowMs, scale * ratePerSecond, scale * ratePerSecond * certain, leadMs);
    }
    return reserve.factor;
  }

  it('is between nothing and as much again', () => {
    fc.assert(
      fc.property(looks, fc.double({ min: 0, max: 0.5, noNaN: true }), (steps, share) => {
        const factor = factorAfter(steps, share);
        expect(factor).toBeGreaterThanOrEqual(1);
        expect(factor).toBeLessThanOrEqual(2);
      }),
    );
  });

  it('is the less, the more may be short', () => {
    const share = fc.double({ min: 0, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(looks, share, share, (steps, a, b) => {
        expect(factorAfter(steps, Math.max(a, b))).toBeLessThanOrEqual(
          factorAfter(steps, Math.min(a, b)) + 1e-9,
        );
      }),
    );
  });

  it('does not depend on when the clock began', () => {
    fc.assert(
      fc.property(looks, fc.integer({ min: 0, max: 1e13 }), (steps, fromMs) => {
        expect(factorAfter(steps, SHARE, { fromMs })).toBeCloseTo(factorAfter(steps, SHARE), 6);
      }),
    );
  });
});
