import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import { ProfileView } from '../../../profiles/lookup.ts';
import { readTable } from '../../../profiles/store.ts';
import { predictCells } from '../../../profiles/surface/predict-cells.ts';
import { profileTableSchema } from '../../../profiles/table.ts';
import { table } from '../sample-table.ts';

const full = await readTable(join(packageRoot, 'profiles', 'mobilenet-epyc.json'));
const measured = full.cells.filter(
  ({ batch, cpuMillicores }) => [1, 8, 32].includes(batch) && cpuMillicores <= 1000,
);
const rest = full.cells.filter((cell) => !measured.includes(cell) && cell.cpuMillicores <= 1000);
const predicted = predictCells(measured, rest, full.confidence);

test('cells are whole, marked, and valid in a table', () => {
  const cells = [...measured, ...predicted];
  expect(() => profileTableSchema.parse(table(cells))).not.toThrow();
  for (const cell of predicted) {
    expect(cell).toMatchObject({ predicted: true, samples: 0, throttling: null });
    const { p50, p95, p99, mean, meanInterval } = cell.latencyMs;
    expect(p50 <= p95 && p95 <= p99).toBe(true);
    expect(meanInterval[0] < mean && mean < meanInterval[1]).toBe(true);
  }
});

test('of a real model on one core, half the cells predict the other half', () => {
  for (const [index, cell] of predicted.entries()) {
    const truth = rest[index]!;
    expect(Math.abs(cell.latencyMs.mean / truth.latencyMs.mean - 1)).toBeLessThan(0.1);
    expect(cell.peakMemoryBytes).toBeGreaterThan(0.8 * truth.peakMemoryBytes);
  }
});

test('a planner takes a predicted cell for as slow as it may be, a measured one for what it was', () => {
  const [cell] = predicted;
  const view = new ProfileView(table([cell!]));
  const guard = cell!.latencyMs.meanInterval[1] / cell!.latencyMs.mean;
  expect(guard).toBeGreaterThan(1);
  expect(view.executionMs(cell!, cell!.batch, 0.99)).toBeCloseTo(guard * cell!.latencyMs.p99, 9);
  const { predicted: _, ...asMeasured } = cell!;
  expect(new ProfileView(table([asMeasured])).executionMs(cell!, cell!.batch, 0.99)).toBeCloseTo(
    cell!.latencyMs.p99,
    9,
  );
});
