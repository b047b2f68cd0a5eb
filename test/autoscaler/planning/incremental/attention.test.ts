import { describe, expect, it } from 'vitest';
import { PlanQueue } from '../../../../autoscaler/planning/incremental/attention.ts';

describe('PlanQueue', () => {
  it('is paid once to whoever was stirred', () => {
    const queue = new PlanQueue();
    queue.enqueue('a');
    queue.enqueue('b');
    queue.enqueue('a');
    expect(queue.take(0)).toEqual(['a', 'b']);
    expect(queue.take(1)).toEqual([]);
  });

  it('is paid to whoever asked for it, when the time has come', () => {
    const queue = new PlanQueue();
    queue.wakeAt('a', 100);
    queue.wakeAt('b', 50);
    queue.wakeAt('never', Infinity);
    expect(queue.take(49)).toEqual([]);
    expect(queue.take(50)).toEqual(['b']);
    expect(queue.take(1e9)).toEqual(['a']);
    expect(queue.take(1e12)).toEqual([]);
  });

  it('comes at the earliest of the times asked for, and again when asked again', () => {
    const queue = new PlanQueue();
    queue.wakeAt('a', 100);
    queue.wakeAt('a', 200);
    expect(queue.take(100)).toEqual(['a']);
    queue.wakeAt('a', 200);
    queue.wakeAt('a', 150);
    expect(queue.take(150)).toEqual(['a']);
    queue.wakeAt('a', 300);
    expect(queue.take(250)).toEqual(['a']); // the alarm for 200, which nothing has undone
    expect(queue.take(300)).toEqual(['a']);
  });
});
