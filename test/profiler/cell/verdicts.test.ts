import { describe, expect, it } from 'vitest';
import { isDisturbed } from '../../../profiler/cell/verdicts.ts';
import { cell } from '../../profiles/sample-table.ts';

describe('isDisturbed', () => {
  // The sample's mean is 1.05 times the number given as p50.
  it('takes CPU time over quota for granted under a fraction of a core', () => {
    expect(isDisturbed(cell(1, 250, 40, { cpuMs: 10 }))).toBe(false);
    expect(isDisturbed(cell(1, 250, 60, { cpuMs: 10 }))).toBe(true);
  });

  it('grants no more than the CPU time from one core up, however badly the threads share the work', () => {
    expect(isDisturbed(cell(1, 2000, 10, { cpuMs: 10 }))).toBe(false);
    expect(isDisturbed(cell(1, 2000, 5, { cpuMs: 10 }))).toBe(false);
    expect(isDisturbed(cell(1, 2000, 15, { cpuMs: 10 }))).toBe(true);
  });

  it('says nothing of a GPU', () => {
    expect(isDisturbed(cell(1, 1000, 50, { cpuMs: 1, gpuPercent: 50 }))).toBe(false);
  });
});
