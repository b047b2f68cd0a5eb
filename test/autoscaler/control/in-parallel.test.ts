import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inParallel } from '../../../autoscaler/control/in-parallel.ts';
import { pause } from '../../../models/base/clock.ts';
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

it('fails as the first that does', async () => {
  const work = async (item: number): Promise<void> => {
    if (item === 2) throw new Error('two');
  };
  await expect(inParallel([1, 2, 3], 2, work)).rejects.toThrow('two');
});
