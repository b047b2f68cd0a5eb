import { expect, test } from 'vitest';
import type { MeasuredCell } from '../../../profiler/cell/verdicts.ts';
import { measureChecked, withVerdicts } from '../../../profiler/sweep/cell-runner.ts';
import { cell } from '../../profiles/sample-table.ts';

const load = (foreignCores: number): MeasuredCell['load'] => ({ cores: 2, foreignCores, stolenShare: 0 });
const clean: MeasuredCell = { cell: cell(1, 1000, 10), warmth: 'steady', load: load(0), measuringMs: 1000 };
const noisy: MeasuredCell = { cell: cell(1, 1000, 30), warmth: 'steady', load: load(2), measuringMs: 1000 };

/** Gives one after the other. */
function inTurn(...attempts: MeasuredCell[]): () => Promise<MeasuredCell> {
  return async () => attempts.shift()!;
}

test('a clean cell is measured once', async () => {
  expect(await measureChecked(inTurn(clean))).toEqual({ ...clean, attempts: 1 });
});

test('a disturbed one is measured again, and the clean attempt kept', async () => {
  expect(await measureChecked(inTurn(noisy, clean))).toEqual({ ...clean, attempts: 2 });
});

test('what stays disturbed is marked; the fastest attempt is kept', async () => {
  const faster = { ...noisy, cell: cell(1, 1000, 20) };
  const result = await measureChecked(inTurn(noisy, faster, noisy));
  expect(result).toMatchObject({ attempts: 3, cell: { ...faster.cell, verdicts: ['noisy-host'] } });
});

test('where the time is up, the best attempt so far counts, or none', async () => {
  const outOfTime = inTurn(noisy) as () => Promise<MeasuredCell | undefined>;
  expect(await measureChecked(outOfTime)).toMatchObject({ attempts: 1, cell: { verdicts: ['noisy-host'] } });
  expect(await measureChecked(async () => undefined)).toBeUndefined();
});

test('what a config is like is marked without another try', async () => {
  const throttling = { periods: 10, throttledPeriods: 9, throttledMs: 5 };
  const result = await measureChecked(inTurn({ ...clean, cell: { ...clean.cell, throttling } }));
  expect(result).toMatchObject({ attempts: 1, cell: { verdicts: ['throttled'] } });
});

test('verdicts add up', () => {
  const marked = withVerdicts(withVerdicts(clean.cell, ['drifting']), ['drifting', 'spinning']);
  expect(marked.verdicts).toEqual(['drifting', 'spinning']);
  expect(withVerdicts(clean.cell, [])).toBe(clean.cell);
});
