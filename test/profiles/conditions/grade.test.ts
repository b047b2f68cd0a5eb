import { describe, expect, it } from 'vitest';
import { gradeOf, gradeText, gradeWarnings, whyWorse } from '../../../profiles/conditions/grade.ts';
import type { Cell, ProfileTable } from '../../../profiles/table.ts';
import { cell, HOST, table } from '../sample-table.ts';

const predicted = (batch: number): Cell => cell(batch, 1000, 10, { predicted: true, samples: 0 });
const noisy = (batch: number): Cell => cell(batch, 1000, 10, { verdicts: ['noisy-host'] });
const heldOut = (median: number): Partial<ProfileTable> => ({
  prediction: { heldOut: { cells: 3, median, p90: 2 * median, max: 3 * median } },
});
const good = table([cell(1, 1000, 10), cell(2, 1000, 18), predicted(4)], heldOut(0.03));

describe('a grade', () => {
  it.each<[string, ProfileTable, string]>([
    ['all measured', table([cell(1, 1000, 10)]), 'good'],
    ['well predicted', good, 'good'],
    ['predicted less well', { ...good, ...heldOut(0.08) }, 'fair'],
    ['predicted badly', { ...good, ...heldOut(0.2) }, 'poor'],
    ['predicted from too little to tell', { ...good, prediction: { heldOut: null } }, 'poor'],
    ['disturbed here and there', table([cell(1, 1000, 10), cell(2, 1000, 18), noisy(4)]), 'fair'],
    ['disturbed mostly', table([cell(1, 1000, 10), noisy(2), noisy(4)]), 'poor'],
    ['of another serving path', { ...good, servingPath: 1 }, 'fair'],
    ['of guessed rows', { ...good, shapes: [{ input: 'x', row: [3], source: 'guessed' }] }, 'fair'],
    ["another tool's", { ...good, confidence: { level: 0, relativeError: 1 } }, 'unknown'],
  ])('%s', (_, graded, expected) => {
    const { grade, reasons } = gradeOf(graded);
    expect(grade).toBe(expected);
    expect(reasons.length > 0).toBe(expected !== 'good');
  });

  it('an older table that does not say its sizes has a lower one', () => {
    const free = { ...good.model, inputs: [{ ...good.model.inputs[0]!, shape: [null, null] }] };
    expect(gradeOf({ ...good, model: free }).reasons).toEqual([
      'it does not say of what sizes its rows were',
    ]);
  });

  it('is told in a line', () => {
    expect(gradeText(gradeOf(good))).toBe(
      'good: 2 of 3 cells measured, none disturbed, predictions off by 3 % in the median',
    );
    expect(gradeText(gradeOf(table([noisy(1)])))).toBe('poor: 1 cell measured, 1 disturbed');
  });

  it('warns where a table is poor or due again', () => {
    expect(gradeWarnings(good, 't.json')).toEqual([]);
    expect(gradeWarnings(table([noisy(1)]), 't.json')).toEqual([
      'Profile table t.json is poor: 1 of 1 measured cells were disturbed. Measure it again.',
    ]);
    expect(gradeWarnings({ ...good, servingPath: 1 }, 't.json')).toEqual([
      'Profile table t.json is due again: it was measured with an older version of the serving path (1, here 2).',
    ]);
  });
});

describe('a table is worse than the one that it would replace', () => {
  it.each<[string, Partial<ProfileTable>, string | undefined]>([
    ['not where it is as good', {}, undefined],
    ['where its grade is', heldOut(0.2), 'predictions are off by 20 %'],
    [
      'where its means are known less well',
      { confidence: { level: 0.95, relativeError: 0.1 } },
      'its means are known to ±10 %, not ±3 %',
    ],
    ['not where the host is another', { ...heldOut(0.2), host: { ...HOST, fingerprint: 'x' } }, undefined],
    ['not where the serving path is another', { ...heldOut(0.2), servingPath: 3 }, undefined],
  ])('%s', (_, change, expected) => {
    expect(whyWorse({ ...good, ...change } as ProfileTable, good)).toBe(expected);
  });

  it('where it has less than half of the measured cells', () => {
    const large = table([1, 2, 4].map((batch) => cell(batch, 1000, 10 * batch)));
    expect(whyWorse(table([cell(1, 1000, 10)]), large)).toBe('it has 1 measured cells, not 3');
    expect(whyWorse(large, table([noisy(1)]))).toBeUndefined();
  });
});
