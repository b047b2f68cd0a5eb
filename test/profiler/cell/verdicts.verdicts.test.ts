import { describe, expect, test } from 'vitest';
import { hasDrifted, type MeasuredCell, verdictsOn } from '../../../profiler/cell/verdicts.ts';
import { isSpinning, nonMonotone } from '../../../profiler/sweep/contradictions.ts';
import type { Cell } from '../../../profiles/table.ts';
import { cell } from '../../profiles/sample-table.ts';

const QUIET = { cores: 2, foreignCores: 0.02, stolenShare: 0 };

function seen(of: Cell, change: Partial<MeasuredCell> = {}): MeasuredCell {
  return { cell: of, warmth: 'steady', load: QUIET, measuringMs: 1000, ...change };
}

/** A cell whose CPU time explains how long it took. */
function explained(batch: number, cpuMillicores: number, meanMs: number, change: Partial<Cell> = {}): Cell {
  const sample = cell(batch, cpuMillicores, meanMs);
  return {
    ...sample,
    cpuMs: meanMs * (cpuMillicores / 1000) * 0.98,
    latencyMs: { ...sample.latencyMs, mean: meanMs, meanInterval: [meanMs * 0.97, meanMs * 1.03] },
    ...change,
  };
}

describe('a verdict on one cell', () => {
  test('nothing is wrong with a clean one', () => {
    expect(verdictsOn(seen(explained(4, 500, 100)))).toEqual([]);
    expect(verdictsOn(seen(explained(4, 500, 100), { load: undefined }))).toEqual([]);
    expect(verdictsOn(seen(explained(4, 500, 100), { warmth: 'too-slow' }))).toEqual([]);
  });

  test.each([
    ['others need the cores', { foreignCores: 1.7, stolenShare: 0, cores: 2 }],
    ['a hypervisor takes time', { foreignCores: 0, stolenShare: 0.05, cores: 2 }],
  ])('noisy host: %s', (_, load) => {
    expect(verdictsOn(seen(explained(4, 500, 100), { load }))).toEqual(['noisy-host']);
  });

  test('a host with cores to spare is not noisy, whatever others do', () => {
    const load = { foreignCores: 5, stolenShare: 0, cores: 8 };
    expect(verdictsOn(seen(explained(4, 2000, 100), { load }))).toEqual([]);
  });

  test('took longer than its CPU time explains', () => {
    expect(verdictsOn(seen(explained(4, 500, 100, { cpuMs: 30 })))).toEqual(['noisy-host']);
  });

  test('a batch that was waited for, as in the published tables', () => {
    const waited = explained(8, 2000, 18_570, { cpuMs: 12 });
    expect(verdictsOn(seen(waited))).toContain('batch-not-filled');
  });

  test('not warm', () => {
    expect(verdictsOn(seen(explained(4, 500, 100), { warmth: 'unsteady' }))).toEqual(['not-warm']);
  });

  test('throttled, only where the threads fit the quota', () => {
    const throttling = { periods: 100, throttledPeriods: 90, throttledMs: 300 };
    expect(verdictsOn(seen(explained(1, 1000, 10, { throttling })))).toEqual(['throttled']);
    expect(verdictsOn(seen(explained(1, 500, 10, { throttling })))).toEqual([]);
  });
});

describe('cells beside each other', () => {
  test('that follow physics are left alone', () => {
    expect(nonMonotone([explained(1, 500, 20), explained(2, 500, 40), explained(1, 1000, 10)])).toEqual([]);
  });

  test('the one that contradicts two others is named', () => {
    const wrong = explained(2, 1000, 90);
    expect(nonMonotone([explained(2, 500, 40), wrong, explained(4, 1000, 40)])).toEqual([wrong]);
  });

  test('of two that contradict each other the slower one is named', () => {
    const wrong = explained(1, 500, 50);
    expect(nonMonotone([wrong, explained(2, 500, 40)])).toEqual([wrong]);
  });

  test('within their intervals nothing contradicts', () => {
    expect(nonMonotone([explained(1, 1000, 10.2), explained(1, 500, 10)])).toEqual([]);
  });
});

test('a host has drifted where more than a fifth had to be put right', () => {
  expect(hasDrifted(explained(1, 1000, 10))).toBe(false);
  expect(hasDrifted(explained(1, 1000, 10, { speedFactor: 1.1 }))).toBe(false);
  expect(hasDrifted(explained(1, 1000, 10, { speedFactor: 1.3 }))).toBe(true);
  expect(hasDrifted(explained(1, 1000, 10, { speedFactor: 0.75 }))).toBe(true);
});

test('spinning is seen by what the same batch costs without', () => {
  const quiet = explained(8, 1000, 100);
  const burning = explained(8, 2000, 80, { spinning: true, cpuMs: 160 });
  expect(isSpinning(burning, [quiet, burning])).toBe(true);
  expect(isSpinning(burning, [burning])).toBe(false);
  expect(isSpinning({ ...burning, cpuMs: 110 }, [quiet])).toBe(false);
});
