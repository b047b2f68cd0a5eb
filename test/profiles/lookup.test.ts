import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProfileView } from '../../profiles/lookup.ts';
import type { Cell } from '../../profiles/table.ts';
import { cell, table } from './sample-table.ts';

const cpu = (batch: number, cpuMillicores: number) => ({ batch, cpuMillicores, gpuPercent: 0 });

describe('ProfileView', () => {
  const view = new ProfileView(
    table([cell(8, 1000, 80), cell(1, 1000, 20), cell(4, 500, 100), cell(1, 500, 40)]),
  );

  it('answers measured cells as they are', () => {
    expect(view.executionMs(cpu(8, 1000), 8, 0.5)).toBe(80);
    expect(view.executionMs(cpu(8, 1000), 8, 0.95)).toBeCloseTo(96);
    expect(view.executionMs(cpu(8, 1000), 8, 0.99)).toBeCloseTo(120);
    expect(view.executionMs(cpu(8, 1000), 1, 0.99)).toBeCloseTo(30);
  });

  it('is linear between measured batches', () => {
    expect(view.executionMs(cpu(8, 1000), 4.5, 0.5)).toBeCloseTo(view.executionMs(cpu(8, 1000), 5, 0.5));
    expect(view.executionMs(cpu(4, 500), 2, 0.5)).toBeCloseTo(60);
    expect(view.executionMs(cpu(4, 500), 3, 0.5)).toBeCloseTo(80);
  });

  it('follows an exponential tail between and past the measured percentiles', () => {
    const tail = (q: number) => -20 * Math.log(1 - q);
    const base = cell(1, 1000, tail(0.5));
    const exponential = new ProfileView(
      table([{ ...base, latencyMs: { ...base.latencyMs, p95: tail(0.95), p99: tail(0.99) } }]),
    );
    for (const q of [0.6, 0.9, 0.97, 0.999]) {
      expect(exponential.executionMs(cpu(1, 1000), 1, q)).toBeCloseTo(tail(q), 9);
    }
  });

  it('never lets more rows be faster, whatever was measured', () => {
    const noisy = new ProfileView(table([cell(1, 1000, 10), cell(2, 1000, 8), cell(4, 1000, 30)]));
    expect(noisy.executionMs(cpu(4, 1000), 2, 0.5)).toBe(10);
    expect(noisy.executionMs(cpu(4, 1000), 3, 0.5)).toBe(20);
  });

  it('bounds what was not measured from above', () => {
    expect(view.executionMs(cpu(4, 700), 1, 0.5)).toBe(40); // as with 0.5 cores
    expect(view.executionMs(cpu(4, 250), 1, 0.5)).toBe(80); // half of the smallest quota: twice its time
    expect(view.executionMs(cpu(16, 1000), 16, 0.5)).toBe(160); // two of the largest batch
    expect(view.executionMs({ batch: 1, cpuMillicores: 1000, gpuPercent: 20 }, 1, 0.5)).toBe(20);
  });

  it('lists configs, cells, memory, start-up and codec', () => {
    expect(view.configs()).toHaveLength(4);
    expect(view.cell(cpu(8, 1000))?.latencyMs.p50).toBe(80);
    expect(view.cell(cpu(2, 1000))).toBeUndefined();
    expect(view.memoryBytes(cpu(8, 1000))).toBe(108e6);
    expect(view.memoryBytes(cpu(2, 1000))).toBe(108e6);
    expect(view.startupMs(cpu(1, 500))).toBe(301);
    expect(view.codecMs(cpu(99, 500))).toEqual({ decode: 0.5, encode: 0.25 });
  });

  it('leaves out cells without a usable latency', () => {
    const broken = { ...cell(2, 1000, 5), latencyMs: { ...cell(2, 1000, 5).latencyMs, p99: Number.NaN } };
    const rest = new ProfileView(table([broken, cell(1, 1000, 20)]));
    expect(rest.configs()).toEqual([cpu(1, 1000)]);
    expect(rest.executionMs(cpu(2, 1000), 2, 0.99)).toBe(60);
    expect(() => new ProfileView(table([broken]))).toThrow(RangeError);
  });

  it('is finite and monotone in rows and in the quantile, for any table', () => {
    const latency = fc.double({ min: 1e-3, max: 1e5, noNaN: true });
    const anyCell = fc
      .record({
        batch: fc.integer({ min: 1, max: 64 }),
        cpuMillicores: fc.constantFrom(250, 500, 1000, 2000),
        gpuPercent: fc.constantFrom(0, 20),
        latencies: fc.tuple(latency, latency, latency),
      })
      .map(({ batch, cpuMillicores, gpuPercent, latencies: [p50, p95, p99] }): Cell => {
        const base = cell(batch, cpuMillicores, p50, { gpuPercent });
        return { ...base, latencyMs: { ...base.latencyMs, p95, p99 } };
      });
    const rows = fc.integer({ min: 1, max: 128 });
    const q = fc.double({ min: 0.5, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(anyCell, { minLength: 1, maxLength: 12 }),
        anyCell,
        fc.tuple(rows, rows),
        fc.tuple(q, q),
        (cells, config, [rowsA, rowsB], [qA, qB]) => {
          const any = new ProfileView(table(cells));
          const low = any.executionMs(config, Math.min(rowsA, rowsB), Math.min(qA, qB));
          const high = any.executionMs(config, Math.max(rowsA, rowsB), Math.max(qA, qB));
          expect(Number.isFinite(low) && low > 0).toBe(true);
          expect(low).toBeLessThanOrEqual(high * (1 + 1e-9));
        },
      ),
    );
  });
});

describe('memory of the GPU', () => {
  const gpu = (batch: number, gpuPercent: number) => ({ batch, cpuMillicores: 1000, gpuPercent });
  const on = (batch: number, gpuPercent: number, memoryBytes?: number): Cell =>
    cell(batch, 1000, 5, {
      gpuPercent,
      ...(memoryBytes === undefined
        ? {}
        : { gpu: { memoryBytes, powerWatts: null, utilizationPercent: null } }),
    });

  it('is that of as many rows or more on the same share', () => {
    const view = new ProfileView(table([on(1, 25, 4e8), on(8, 25, 9e8), on(8, 50, 10e8)]));
    expect(view.gpuMemoryBytes(gpu(8, 25))).toBe(9e8);
    expect(view.gpuMemoryBytes(gpu(4, 25))).toBe(9e8);
    expect(view.gpuMemoryBytes(gpu(1, 25))).toBe(4e8);
  });

  it('is never that of fewer rows, however few cells were measured', () => {
    const view = new ProfileView(
      table([on(1, 25, 4e8), on(32, 25), on(8, 50, 10e8), on(32, 50, 17e8), on(32, 100, 21e8)]),
    );
    expect(view.gpuMemoryBytes(gpu(32, 25))).toBe(21e8);
    expect(view.gpuMemoryBytes(gpu(2, 25))).toBe(10e8);
    expect(view.gpuMemoryBytes(gpu(64, 25))).toBe(42e8);
  });

  it('is not known where nothing tells, and not needed without a share', () => {
    expect(new ProfileView(table([on(1, 25)])).gpuMemoryBytes(gpu(1, 25))).toBeUndefined();
    expect(new ProfileView(table([on(1, 25, 4e8)])).gpuMemoryBytes(cpu(1, 1000))).toBeUndefined();
  });
});
