import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyedQueue } from '../../../autoscaler/operator/work-queue.ts';

it('takes what is asked for one name in order, several names at a time, and no more than it may', async () => {
  const asked = fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), fails: fc.boolean() }));
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      asked,
      fc.integer({ min: 1, max: 3 }),
      async (scheduler, work, atOnce) => {
        const turns = new KeyedQueue(atOnce);
        const running = new Set<string>();
        const done: number[] = [];
        const answers = work.map(({ name, fails }, index) =>
          turns.run(name, async () => {
            expect(running).not.toContain(name);
            running.add(name);
            expect(running.size).toBeLessThanOrEqual(atOnce);
            await scheduler.schedule(Promise.resolve());
            running.delete(name);
            done.push(index);
            if (fails) throw new Error(String(index));
            return index;
          }),
        );
        const outcomes = Promise.allSettled(answers);
        await scheduler.waitFor(turns.settled());
        expect(running).toEqual(new Set());
        for (const name of new Set(work.map((each) => each.name))) {
          const own = done.filter((index) => work[index]!.name === name);
          expect(own).toEqual([...own].sort((a, b) => a - b));
        }
        expect((await outcomes).map(({ status }) => status)).toEqual(
          work.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')),
        );
      },
    ),
  );
});
