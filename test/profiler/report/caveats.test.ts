import { describe, expect, it } from 'vitest';
import { caveatsOf, remarksOn } from '../../../profiler/report/caveats.ts';
import type { Cell } from '../../../profiles/table.ts';
import { cell, table } from '../../profiles/sample-table.ts';

function remarks(subject: Cell, ...others: Cell[]): readonly string[] {
  return remarksOn(subject, table([subject, ...others]));
}

describe('remarks on a cell', () => {
  it('are none where there is nothing to say', () => {
    expect(remarks(cell(1, 1000, 20), cell(1, 500, 40))).toEqual([]);
  });

  it('tell an imprecise mean and a tail of few samples', () => {
    expect(remarks(cell(1, 1000, 20, { converged: false, samples: 40 }))).toEqual([
      'mean known to ±4.8 % only',
      'p99 of 40 samples is about the slowest',
    ]);
    const once = cell(1, 1000, 20).latencyMs;
    const unknown = { ...once, meanInterval: [Number.EPSILON, Number.MAX_VALUE] as [number, number] };
    expect(remarks(cell(1, 1000, 20, { converged: false, latencyMs: unknown }))).toEqual([
      'mean known to no precision at all only',
    ]);
  });

  it('tell that something else ran', () => {
    expect(remarks(cell(1, 1000, 20, { cpuMs: 10 }))).toEqual([
      'disturbed: took longer than the CPU it used explains',
    ]);
  });

  it('tell a cell that is slower than one with less, beyond both intervals', () => {
    expect(remarks(cell(1, 2000, 30), cell(1, 1000, 20))).toEqual(['slower than b1 c1, which has less']);
    expect(remarks(cell(1, 2000, 21), cell(1, 1000, 20))).toEqual([]); // the intervals overlap
    expect(remarks(cell(2, 2000, 30), cell(1, 1000, 20))).toEqual([]);
    expect(remarks(cell(1, 1000, 30, { gpuPercent: 10 }), cell(1, 1000, 20))).toEqual([]); // other hardware
  });

  it("keep silent about another tool's intervals, which nobody knows", () => {
    const foreign = table([cell(1, 1000, 20, { converged: false })], {
      confidence: { level: 0, relativeError: 1 },
    });
    expect(remarksOn(foreign.cells[0]!, foreign)).toEqual([]);
    expect(caveatsOf(foreign)).toEqual([
      'The precision of these means is unknown: the table comes from another tool.',
    ]);
  });

  it('tell how much the speed of the host varied', () => {
    const cells = [1, 2, 4].map((batch, index) =>
      cell(batch, 1000, 20 * batch, { speedFactor: 1 + index / 10 }),
    );
    expect(caveatsOf(table(cells))).toContain(
      "The host's speed varied by 20 % from cell to cell: times are as of its usual speed.",
    );
    expect(caveatsOf(table(cells.slice(0, 1)))).toEqual([]);
  });
});
