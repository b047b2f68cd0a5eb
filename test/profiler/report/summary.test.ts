import { PassThrough } from 'node:stream';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { progressListener } from '../../../profiler/report/progress-line.ts';
import { renderSummary } from '../../../profiler/report/summary.ts';
import type { ProfileEvent } from '../../../profiler/sweep/progress.ts';
import { cell, table } from '../../profiles/sample-table.ts';

const PLAIN = pc.createColors(false);

describe('summary', () => {
  const sample = table([cell(1, 500, 20), cell(1, 1000, 9.87), cell(4, 1000, 30, { converged: false })]);

  it('says whether rows may share runs, and how that is known', () => {
    const batching = { state: 'refuted', reason: 'the operator Softmax mixes them' } as const;
    expect(renderSummary({ ...sample, batching }, undefined, PLAIN)).toContain(
      '\nBatching: refuted (the operator Softmax mixes them)\n',
    );
  });

  it('shows latency and throughput by batch and quota, a dash where nothing was measured', () => {
    expect(renderSummary(sample, undefined, PLAIN)).toMatchInlineSnapshot(`
      "sample  1.2 MB, onnxruntime-node 1.30.0, quota by cgroup-v1, period 10 ms
      Rows: x 3
      Table: good: 3 cells measured, none disturbed
      Imaginary CPU, 8 cores, no GPU

      Latency of a full batch, p50 / p99 in ms
      ┌───────┬─────────────┬──────────────┐
      │ cores │          b1 │           b4 │
      ├───────┼─────────────┼──────────────┤
      │   0.5 │ 20.0 / 30.0 │            – │
      │     1 │ 9.87 / 14.8 │ ~30.0 / 45.0 │
      └───────┴─────────────┴──────────────┘

      Rows per second and core
      ┌───────┬──────┬─────┐
      │ cores │   b1 │  b4 │
      ├───────┼──────┼─────┤
      │   0.5 │ 95.2 │   – │
      │     1 │ 96.5 │ 127 │
      └───────┴──────┴─────┘
      ~ 1 of 3 cells missed ±3 % at 95 % confidence in their time.

      Most per core         b4 c1      up to 110 requests/s, 110 per core; p99 45 ms, 7.5 ms CPU a row, 104.0 MB, first answer after 304 ms
      Lowest latency        b1 c1      up to 76.2 requests/s, 76.2 per core; p99 15 ms, 9.9 ms CPU a row, 101.0 MB, first answer after 301 ms
      JSON of one row       0.50 ms to read, 0.25 ms to write under a CPU quota of 1; the latencies are without it, what an instance carries is with it
      "
    `);
  });

  it('names the best config for an SLO', () => {
    expect(renderSummary(sample, { sloMs: 300, percentile: 99 }, PLAIN)).toContain(
      'Best for p99 ≤ 300 ms b4 c1      carries 103 requests/s, 103 per core; p99 45 ms',
    );
    expect(renderSummary(sample, { sloMs: 25, percentile: 95 }, PLAIN)).toContain(
      'Best for p95 ≤ 25 ms  b1 c1 ',
    );
    expect(renderSummary(sample, { sloMs: 5, percentile: 99 }, PLAIN)).not.toContain('Best for');
  });
});

describe('progress', () => {
  const config = { batch: 2, cpuMillicores: 500, gpuPercent: 0 };
  const events: ProfileEvent[] = [
    { type: 'note', text: 'The weather is fine.' },
    { type: 'cell-started', config, done: 0, total: 2, remainingMs: 8000 },
    {
      type: 'cell-measured',
      cell: cell(2, 500, 40),
      warmth: 'unsteady',
      done: 1,
      total: 2,
      remainingMs: 4000,
    },
    {
      type: 'cell-failed',
      config: { ...config, batch: 4 },
      reason: 'It broke.',
      done: 2,
      total: 2,
      remainingMs: 0,
    },
    { type: 'saved', file: 'table.json' },
  ];

  function written(terminal: object): string {
    const stream = Object.assign(new PassThrough(), terminal);
    events.forEach(progressListener(stream));
    return String(stream.read());
  }

  it('is a line a cell where nobody can redraw', () => {
    expect(written({}).split('\n')).toEqual([
      'note: The weather is fine.',
      '[1/2] b2 c0.5: p50 40 ms, p99 60 ms, 200 samples, not steady after warm-up (about 4 s left)',
      'left out: b4 c0.5: It broke.',
      'Table saved as table.json',
      '',
    ]);
  });

  it('is one line that is redrawn on a terminal, never longer than that', () => {
    const text = written({ isTTY: true, columns: 60 });
    expect(text.split('\n')).toHaveLength(4); // what stays: note, failure, file
    const drawn = text.split('\r\x1b[2K').map((line) => line.split('\n')[0]!);
    expect(drawn).toContain('[0/2] b2 c0.5 (about 8 s left)');
    expect(Math.max(...drawn.filter((line) => line.startsWith('[')).map((line) => line.length))).toBe(59);
  });
});
