import { describe, expect, it } from 'vitest';
import { mergeTables } from '../../profiles/merge.ts';
import { profileTableSchema } from '../../profiles/table.ts';
import { cell, HOST, table } from './sample-table.ts';

const older = { name: 'old.json', table: table([cell(4, 1000, 50), cell(1, 1000, 20)]) };
const newer = {
  name: 'new.json',
  table: table([cell(1, 1000, 30), cell(1, 500, 60)], {
    createdAt: '2026-11-24T08:00:00.000Z',
    confidence: { level: 0.95, relativeError: 0.1 },
  }),
};

describe('mergeTables', () => {
  it.each([
    ['in the order of age', [older, newer]],
    ['in any order', [newer, older]],
  ])('takes the newer cell of a config, %s', (_, tables) => {
    const { table: merged, conflicts } = mergeTables(tables);
    expect(merged.cells).toEqual([cell(1, 500, 60), cell(1, 1000, 30), cell(4, 1000, 50)]);
    expect(merged.createdAt).toBe('2026-11-24T08:00:00.000Z');
    expect(merged.confidence).toEqual({ level: 0.95, relativeError: 0.1 });
    expect(profileTableSchema.parse(merged)).toEqual(merged);
    expect(conflicts).toEqual([
      {
        config: cell(1, 1000, 30),
        kept: { name: 'new.json', meanMs: 31.5 },
        dropped: { name: 'old.json', meanMs: 21 },
      },
    ]);
  });

  it('takes a measured cell rather than a predicted one, however new', () => {
    const predicted = cell(4, 1000, 45, { predicted: true, samples: 0 });
    const tables = [
      older,
      { name: 'new.json', table: table([predicted], { createdAt: newer.table.createdAt }) },
    ];
    const { table: merged, conflicts } = mergeTables(tables);
    expect(merged.cells).toEqual([cell(1, 1000, 20), cell(4, 1000, 50)]);
    expect(conflicts).toEqual([]);
  });

  it('keeps what only the older table measured under another period', () => {
    const { latencyMs, samples, converged, throughputPerSecond, throttling } = cell(1, 1000, 25);
    const measured = { latencyMs, samples, converged, throughputPerSecond, throttling };
    const otherPeriods = [{ periodMicros: 100_000, ...measured }];
    const both = { name: 'both.json', table: table([cell(1, 1000, 20, { otherPeriods })]) };
    const { table: merged } = mergeTables([both, newer]);
    expect(merged.cells[1]).toEqual(cell(1, 1000, 30, { otherPeriods }));
  });

  it('has no conflict where the intervals meet', () => {
    const again = { name: 'again.json', table: table([cell(1, 1000, 20.5)]) };
    expect(mergeTables([older, again]).conflicts).toEqual([]);
  });

  it.each([
    ['models', { model: { ...older.table.model, digest: `sha256:${'cd'.repeat(32)}` as const } }],
    ['hosts', { host: { ...HOST, fingerprint: 'sha256:other' } }],
    ['engines', { engine: 'onnxruntime-node 2.0.0' }],
    ['rows', { shapes: [{ input: 'x', row: [4], source: 'given' as const }] }],
    ['versions of the serving path', { servingPath: 3 }],
    ['CPU quotas', { quota: { mechanism: 'cgroup-v2' as const, periodMicros: 10_000 } }],
  ])('refuses different %s', (what, change) => {
    const other = { name: 'other.json', table: table([cell(1, 1000, 20)], change) };
    expect(() => mergeTables([older, other])).toThrow(
      `Tables old.json and other.json cannot be one: they are of different ${what}`,
    );
  });
});
