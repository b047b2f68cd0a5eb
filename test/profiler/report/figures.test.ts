import { describe, expect, it } from 'vitest';
import { sparkline } from '../../../profiler/report/figures.ts';

describe('sparkline', () => {
  it('has one step for every equal factor', () => {
    expect(sparkline([128, 64, 32, 16, 8, 4, 2, 1])).toBe('█▇▆▅▄▃▂▁');
  });

  it('leaves a gap where nothing was measured, and lies low where nothing changes', () => {
    expect(sparkline([100, undefined, 1])).toBe('█ ▁');
    expect(sparkline([7, 7])).toBe('▁▁');
    expect(sparkline([])).toBe('');
  });
});
