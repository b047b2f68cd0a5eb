import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeQueue } from '../../../models/base/time-queue.ts';

describe('TimeQueue', () => {
  it('gives items in the order of their times, those of one moment in the order they came', () => {
    // A number is an item's time; undefined takes one out.
    const steps = fc.array(fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined, freq: 3 }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (times) => {
        const queue = new TimeQueue<number>();
        const expected: { readonly atMs: number; readonly item: number }[] = [];
        for (const [item, atMs] of times.entries()) {
          if (atMs === undefined) {
            const first = expected.shift();
            expect(queue.first?.item).toBe(first?.item);
            expect(queue.take()?.item).toBe(first?.item);
          } else {
            queue.add(atMs, item);
            expected.push({ atMs, item });
            expected.sort((a, b) => a.atMs - b.atMs || a.item - b.item);
          }
          expect(queue.size).toBe(expected.length);
        }
      }),
    );
  });
});
