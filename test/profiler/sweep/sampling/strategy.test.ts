import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../../../models/base/package.ts';
import { threadRule } from '../../../../models/engines/engine.ts';
import { cellsOf } from '../../../../profiler/sweep/grid.ts';
import { heldOutError } from '../../../../profiler/sweep/sampling/held-out.ts';
import { fullStrategy, type Strategy, sparseStrategy } from '../../../../profiler/sweep/sampling/strategy.ts';
import { type Config, configKey } from '../../../../profiles/config.ts';
import { readTable } from '../../../../profiles/store.ts';
import type { Cell } from '../../../../profiles/table.ts';
import { cell } from '../../../profiles/sample-table.ts';

const GRID = { batches: [1, 2, 4, 8, 16, 32], cpuMillicores: [250, 500, 1000, 1500, 2000], gpuPercents: [0] };
const CONFIGS = cellsOf(GRID, 'seed');

/** A model without secrets. */
function truth({ batch, cpuMillicores }: Config): Cell {
  const cpuMs = 2 + 10 * batch;
  const mean = cpuMs / Math.min(cpuMillicores / 1000, cpuMillicores > 1000 ? 1.8 : 1);
  const sample = cell(batch, cpuMillicores, mean / 1.05);
  return { ...sample, cpuMs, latencyMs: { ...sample.latencyMs, meanInterval: [mean * 0.98, mean * 1.02] } };
}

function sparse(change: { error?: number; insist?: boolean; configs?: readonly Config[] } = {}): Strategy {
  const { configs = CONFIGS, ...rest } = change;
  return sparseStrategy({
    first: configs[0]!,
    gridCells: configs.length,
    level: 0.95,
    error: 0.05,
    insist: false,
    threadingOf: ({ cpuMillicores }) => threadRule(cpuMillicores),
    ...rest,
  });
}

function run(strategy: Strategy, configs: readonly Config[] = CONFIGS): Cell[] {
  const measured: Cell[] = [];
  for (;;) {
    const open = configs.filter((config) => measured.every((cell) => configKey(cell) !== configKey(config)));
    const next = strategy.next(measured, open);
    if (next === undefined) return measured;
    expect(open).toContain(next);
    measured.push(truth(next));
  }
}

describe('the sparse sweep', () => {
  test('begins with the easiest cell and the largest batch, and measures no more than 30 % of the grid', () => {
    const measured = run(sparse());
    expect(measured.slice(0, 2).map(({ batch, cpuMillicores }) => [batch, cpuMillicores])).toEqual([
      [1, 2000],
      [32, 2000],
    ]);
    expect(measured.length).toBeLessThanOrEqual(9);
  });

  test('knows a model without secrets well by then', () => {
    const heldOut = heldOutError(run(sparse()), 0.95)!;
    expect(heldOut.median).toBeLessThan(0.05);
    expect(heldOut.max).toBeGreaterThanOrEqual(heldOut.p90);
  });

  test('goes on for an error that was asked for', () => {
    const configs = cellsOf({ ...GRID, batches: [1, 4, 16, 32] }, 'seed');
    const strategy = sparse({ error: 1e-9, insist: true, configs });
    expect(run(strategy, configs)).toHaveLength(configs.length);
  });

  test('measures all of a small grid', () => {
    const configs = cellsOf({ ...GRID, batches: [1, 4], cpuMillicores: [500, 1000] }, 'seed');
    expect(run(sparse({ configs }), configs)).toHaveLength(4);
  });
});

test('the full sweep measures everything in the order given', () => {
  expect(run(fullStrategy(CONFIGS.length)).map(configKey)).toEqual(CONFIGS.map(configKey));
});

test('too few cells to hold any out', () => {
  expect(heldOutError(CONFIGS.slice(0, 3).map(truth), 0.95)).toBeNull();
});

test('a real table held out of itself, unfiltered', async () => {
  const { cells } = await readTable(join(packageRoot, 'profiles', 'mobilenet-epyc.json'));
  const oneThread = cells.filter(({ cpuMillicores }) => cpuMillicores <= 1000);
  const error = heldOutError(oneThread, 0.95)!;
  expect(error.cells).toBe(oneThread.length);
  expect(error.median).toBeLessThan(0.08);
});
