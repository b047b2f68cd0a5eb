import { describe, expect, it } from 'vitest';
import { Attention } from '../../../../autoscaler/planning/incremental/attention.ts';

describe('Attention', () => {
  it('is paid once to whoever was stirred', () => {
    const attention = new Attention();
    attention.stir('a');
    attention.stir('b');
    attention.stir('a');
    expect(attention.take(0)).toEqual(['a', 'b']);
    expect(attention.take(1)).toEqual([]);
  });

  it('is paid to whoever asked for it, when the time has come', () => {
    const attention = new Attention();
    attention.wakeAt('a', 100);
    attention.wakeAt('b', 50);
    attention.wakeAt('never', Infinity);
    expect(attention.take(49)).toEqual([]);
    expect(attention.take(50)).toEqual(['b']);
    expect(attention.take(1e9)).toEqual(['a']);
    expect(attention.take(1e12)).toEqual([]);
  });

  it('comes at the earliest of the times asked for, and again when asked again', () => {
    const attention = new Attention();
    attention.wakeAt('a', 100);
    attention.wakeAt('a', 200);
    expect(attention.take(100)).toEqual(['a']);
    attention.wakeAt('a', 200);
    attention.wakeAt('a', 150);
    expect(attention.take(150)).toEqual(['a']);
    attention.wakeAt('a', 300);
    expect(attention.take(250)).toEqual(['a']); // the alarm for 200, which nothing has undone
    expect(attention.take(300)).toEqual(['a']);
  });
});
