import { describe, expect, it } from 'vitest';
import { compareTables, regressions } from '../../profiles/compare.ts';
import { cell, HOST, table } from './sample-table.ts';

// A sample cell's mean is 1.05 times its median, with an interval of ±4.8 %.
const before = table([cell(1, 500, 40), cell(1, 1000, 20), cell(4, 1000, 50)]);
const after = table([cell(1, 500, 41), cell(1, 1000, 30), cell(4, 1000, 40), cell(8, 1000, 100)]);

describe('compareTables', () => {
  it('calls a cell slower or faster only beyond both intervals', () => {
    const { cells, onlyBefore, onlyAfter, meanRatio } = compareTables(before, after);
    expect(cells.map(({ ratio, verdict }) => [Number(ratio.toFixed(3)), verdict])).toEqual([
      [1.025, 'same'],
      [1.5, 'slower'],
      [0.8, 'faster'],
    ]);
    expect(onlyBefore).toEqual([]);
    expect(onlyAfter).toMatchObject([{ batch: 8 }]);
    expect(meanRatio).toBeCloseTo((1.025 * 1.5 * 0.8) ** (1 / 3));
  });

  it('bounds the ratio by the ends of both intervals', () => {
    const [low, high] = compareTables(before, after).cells[1]!.ratioInterval;
    expect(low).toBeCloseTo(30 / 22);
    expect(high).toBeCloseTo(33 / 20);
  });

  it('finds a table no different from itself', () => {
    const { differences, cells, meanRatio } = compareTables(before, before);
    expect(differences).toEqual([]);
    expect(cells.every(({ ratio, verdict }) => ratio === 1 && verdict === 'same')).toBe(true);
    expect(meanRatio).toBe(1);
  });

  it('names what else differs', () => {
    const elsewhere = table([cell(1, 500, 40)], {
      host: { ...HOST, cpuModel: 'Other CPU', fingerprint: 'sha256:other' },
      engine: 'onnxruntime-node 2.0.0',
      quota: { mechanism: 'affinity', periodMicros: null },
    });
    expect(compareTables(before, elsewhere).differences).toEqual([
      'host: Imaginary CPU (sha256:elsewhere) → Other CPU (sha256:other)',
      'engine: onnxruntime-node 1.30.0 → onnxruntime-node 2.0.0',
      'CPU quota: cgroup-v1 → affinity',
      'quota period: 10 ms → none',
    ]);
  });

  const rows = (size: number) => ({ shapes: [{ input: 'x', row: [size], source: 'given' as const }] });

  it('refuses tables of rows of different sizes', () => {
    expect(() => compareTables(table(before.cells, rows(3)), table(before.cells, rows(4)))).toThrow(
      'Tables of rows of different sizes cannot be compared (x 3 and x 4)',
    );
  });

  it('tells that an older table does not say its sizes', () => {
    const model = { ...before.model, inputs: [{ ...before.model.inputs[0]!, shape: [null, null] }] };
    const old = { ...before, model };
    const anew = { ...old, ...rows(3), servingPath: 3 };
    expect(compareTables(old, anew).differences).toEqual([
      'rows: not recorded → x 3',
      'serving path: version 2 → version 3',
    ]);
  });

  it('has no mean ratio without a config in common', () => {
    expect(compareTables(before, table([cell(2, 250, 10)])).meanRatio).toBeNull();
  });
});

describe('regressions', () => {
  it('are cells slower by more than the share', () => {
    const comparison = compareTables(before, after);
    expect(regressions(comparison, 0.49)).toHaveLength(1);
    expect(regressions(comparison, 0.51)).toEqual([]);
  });
});
