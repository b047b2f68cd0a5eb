import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pause } from '../../../models/base/clock.ts';
import { inParallel } from '../../../models/base/in-parallel.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { advanceThrough } from '../../support/virtual-time.ts';

it('does something with each once, in their order, and never with more at a time', async () => {
  const durationsMs = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(durationsMs, fc.integer({ min: 1, max: 8 }), async (durations, most) => {
      const clock = new VirtualClock();
      const begun: number[] = [];
      let underWay = 0;
      let mostUnderWay = 0;
      const all = inParallel(durations.entries(), most, async ([index, durationMs]) => {
        begun.push(index);
        mostUnderWay = Math.max(mostUnderWay, ++underWay);
        await pause(clock, durationMs);
        underWay -= 1;
      });
      await advanceThrough(clock, all);
      expect(begun).toEqual([...durations.keys()]);
      expect(mostUnderWay).toBe(Math.min(most, durations.length));
      expect(underWay).toBe(0);
    }),
    { numRuns: 30 },
  );
});

it('begins none after a failure, tells it at once, and fails when those at work are done', async () => {
  const clock = new VirtualClock();
  const begun: number[] = [];
  const ended: number[] = [];
  const told: unknown[] = [];
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    await pause(clock, item * 10);
    if (item === 1) throw new Error('one');
    ended.push(item);
    if (item === 3) throw new Error('three');
  };
  const all = inParallel([1, 2, 3, 4, 5], 3, work, (error) => told.push([error, clock.nowMs()]));
  await expect(advanceThrough(clock, all)).rejects.toThrow('one');
  expect(begun).toEqual([1, 2, 3]);
  expect(ended).toEqual([2, 3]);
  expect(told).toEqual([[new Error('one'), 10]]);
});
