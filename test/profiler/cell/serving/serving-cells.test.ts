import { expect, it } from 'vitest';
import { type ServingPoints, servingAt } from '../../../../profiler/cell/serving/serving-cells.ts';

const at = (batch: number, peakMemoryBytes: number, readyMemoryBytes: number): ServingPoints[number] => ({
  batch,
  serving: { peakMemoryBytes, readyMemoryBytes, requestBytes: 100 },
});

it('memory between two batches that were looked at lies on the line between them', () => {
  const points = [at(1, 200, 100), at(9, 1000, 500)];
  expect(servingAt(1, points)).toEqual({ peakMemoryBytes: 200, readyMemoryBytes: 100, requestBytes: 100 });
  expect(servingAt(3, points)).toEqual({ peakMemoryBytes: 400, readyMemoryBytes: 200, requestBytes: 100 });
  expect(servingAt(9, points)?.peakMemoryBytes).toBe(1000);
});

it('is at most that of the next larger batch, and unknown beyond the largest', () => {
  expect(servingAt(2, [at(8, 700, 300)])?.peakMemoryBytes).toBe(700);
  expect(servingAt(9, [at(8, 700, 300)])).toBeUndefined();
  expect(servingAt(2, [])).toBeUndefined();
});

it('never falls with the batch, whatever noise was measured', () => {
  expect(servingAt(2, [at(1, 210, 100), at(3, 200, 100)])?.peakMemoryBytes).toBe(210);
});
