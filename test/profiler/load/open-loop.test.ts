import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { LatencyHistogram } from '../../../profiler/load/histogram.ts';
import { pace } from '../../../profiler/load/open-loop.ts';

/** Sends along `times` on a virtual clock; returns what was due when, and when it was sent. */
async function paced(times: readonly number[], endMs: number, signal = new AbortController().signal) {
  const clock = new VirtualClock(1000);
  const sends: { dueMs: number; atMs: number }[] = [];
  const schedule = { startMs: 1000, endMs: 1000 + endMs, times: times.values() };
  const done = pace(clock, schedule, (dueMs) => sends.push({ dueMs, atMs: clock.nowMs() }), signal);
  return { clock, sends, done };
}

describe('pace', () => {
  it('sends everything once, in order, when it is due', () => {
    const times = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { maxLength: 400 });
    return fc.assert(
      fc.asyncProperty(times, async (unsorted) => {
        const sorted = unsorted.toSorted((a, b) => a - b);
        const { clock, sends, done } = await paced(sorted, 5000);
        while (clock.step());
        await done;
        expect(sends.map(({ dueMs }) => dueMs)).toEqual(sorted.map((time) => 1000 + time));
        expect(sends.every(({ dueMs, atMs }) => atMs === dueMs)).toBe(true);
      }),
    );
  });

  it('lets other work in between when it has much to catch up with, and sends all of it', async () => {
    const { clock, sends, done } = await paced(new Array(1000).fill(0), 100);
    expect(sends.length).toBeLessThan(1000);
    clock.runUntil(1100);
    await done;
    expect(sends).toHaveLength(1000);
  });

  it('lasts to the end of the schedule', async () => {
    const { clock, done } = await paced([10], 500);
    let finished = false;
    void done.then(() => {
      finished = true;
    });
    clock.runUntil(1499);
    await Promise.resolve();
    expect(finished).toBe(false);
    clock.runUntil(1500);
    await done;
  });

  it('sends no more when what it sends aborts it', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const sends: number[] = [];
    const schedule = { startMs: 0, endMs: 500, times: [10, 10, 20].values() };
    const done = pace(
      clock,
      schedule,
      (dueMs) => {
        sends.push(dueMs);
        abort.abort();
      },
      abort.signal,
    );
    clock.runUntil(500);
    await done;
    expect(sends).toEqual([10]);
    expect(clock.nextAtMs).toBeUndefined();
  });

  it('ends when aborted, before or in the middle', async () => {
    const before = await paced([10], 500, AbortSignal.abort());
    await before.done;
    const abort = new AbortController();
    const { clock, sends, done } = await paced([10, 20, 30], 500, abort.signal);
    clock.runUntil(1020);
    abort.abort();
    await done;
    clock.runUntil(2000);
    expect(sends).toHaveLength(2);
  });

  it('fails with what sending throws', async () => {
    const clock = new VirtualClock();
    const done = pace(
      clock,
      { startMs: 0, endMs: 100, times: [50].values() },
      () => {
        throw new Error('no such host');
      },
      new AbortController().signal,
    );
    clock.runUntil(100);
    await expect(done).rejects.toThrow('no such host');
  });
});

describe('LatencyHistogram', () => {
  it('is right to a tenth of a percent and a microsecond', () => {
    const latency = fc.double({ min: 0.001, max: 60_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), (latencies) => {
        const histogram = new LatencyHistogram();
        for (const value of latencies) histogram.record(value);
        const sorted = latencies.toSorted((a, b) => a - b);
        for (const percent of [50, 90, 99]) {
          const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length - 1e-9) - 1)]!;
          expect(Math.abs(histogram.percentileMs(percent) - exact)).toBeLessThanOrEqual(
            exact * 0.001 + 0.001,
          );
        }
        expect(histogram.maxMs).toBeCloseTo(sorted[sorted.length - 1]!, 2);
      }),
    );
  });

  it('is empty at first and after a reset', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.summary()).toBeNull();
    histogram.record(5);
    expect(histogram.summary()).toMatchObject({ p50: 5, max: 5, mean: 5 });
    histogram.reset();
    expect(histogram.summary()).toBeNull();
    expect(histogram.percentileMs(99)).toBe(0);
  });
});
