import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LatencySurface } from '../../../profiles/surface/surface.ts';
import type { Cell } from '../../../profiles/table.ts';
import { cell } from '../sample-table.ts';

/** Time as physics has it: fixed and by row, over the cores that two threads get. */
function physical(batch: number, cpuMillicores: number, noise = 1): Cell {
  const threads = Math.ceil(cpuMillicores / 1000);
  const cpuMs = (1 + 12 * batch) * (threads > 1 ? 1.05 : 1) * noise;
  const mean = cpuMs / Math.min(cpuMillicores / 1000, threads ** 0.85);
  const sample = cell(batch, cpuMillicores, mean / 1.05);
  const meanInterval: [number, number] = [mean * 0.98, mean * 1.02];
  return { ...sample, cpuMs, latencyMs: { ...sample.latencyMs, meanInterval } };
}

const MEASURED = [
  physical(1, 2000),
  physical(32, 2000),
  physical(1, 1000),
  physical(8, 1000),
  physical(4, 1500),
  physical(2, 500),
];

describe('a surface through six cells of a model on two cores', () => {
  const surface = new LatencySurface(MEASURED, 0.95);

  test.each([
    [16, 250],
    [32, 500],
    [1, 250],
    [16, 1000],
    [32, 1500],
    [2, 2000],
  ])('finds b%i c%i where physics has it, inside its interval', (batch, cpuMillicores) => {
    const truth = physical(batch, cpuMillicores);
    const { meanMs, interval, cpuMs } = surface.estimate(truth);
    expect(Math.abs(meanMs / truth.latencyMs.mean - 1)).toBeLessThan(0.06);
    expect(Math.abs(cpuMs / truth.cpuMs - 1)).toBeLessThan(0.06);
    expect(truth.latencyMs.mean).toBeGreaterThan(interval[0]);
    expect(truth.latencyMs.mean).toBeLessThan(interval[1]);
  });

  test('is surer of what was measured than of what is far from it', () => {
    const width = (batch: number, cpuMillicores: number): number => {
      const { interval } = surface.estimate(physical(batch, cpuMillicores));
      return interval[1] / interval[0];
    };
    expect(width(8, 1000)).toBeLessThan(width(256, 250));
    expect(width(8, 1000)).toBeLessThan(1.4); // measuring again differs as well
  });

  test('has a finite answer for every config', () => {
    fc.assert(
      fc.property(
        fc.record({
          batch: fc.integer({ min: 1, max: 4096 }),
          cpuMillicores: fc.integer({ min: 1, max: 128_000 }),
          gpuPercent: fc.integer({ min: 0, max: 100 }),
          threads: fc.integer({ min: 1, max: 128 }),
          spinning: fc.boolean(),
        }),
        (point) => {
          const { meanMs, interval } = surface.estimate(point);
          expect(Number.isFinite(meanMs) && meanMs > 0).toBe(true);
          expect(interval[0] > 0 && interval[0] < meanMs && interval[1] > meanMs).toBe(true);
          expect(Number.isFinite(interval[1])).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('one cell is enough for a guess, with an interval that owns up to it', () => {
  const surface = new LatencySurface([physical(1, 1000)], 0.95);
  const { meanMs, interval } = surface.estimate(physical(32, 250));
  expect(meanMs / physical(32, 250).latencyMs.mean).toBeGreaterThan(0.7);
  expect(meanMs / physical(32, 250).latencyMs.mean).toBeLessThan(1.5);
  expect(interval[1] / interval[0]).toBeGreaterThan(3);
});

test('a cell that waited for other programs does not slow down what is near it', () => {
  const waited = physical(8, 2000);
  const { mean } = waited.latencyMs;
  const disturbed = {
    ...waited,
    latencyMs: { ...waited.latencyMs, mean: 3 * mean, meanInterval: [2.9 * mean, 3.1 * mean] },
  } as Cell;
  const surface = new LatencySurface([...MEASURED, disturbed], 0.95);
  const near = physical(16, 2000);
  expect(Math.abs(surface.estimate(near).meanMs / near.latencyMs.mean - 1)).toBeLessThan(0.1);
});

test('without CPU times, and on a GPU, neighbours tell', () => {
  const onGpu = (batch: number, gpuPercent: number): Cell => {
    const sample = cell(batch, 1000, (2 * batch ** 0.7) / (gpuPercent / 100) ** 0.6);
    return { ...sample, gpuPercent, cpuMs: 0 };
  };
  const known = [1, 4, 16].flatMap((batch) => [10, 50, 100].map((gpuPercent) => onGpu(batch, gpuPercent)));
  const surface = new LatencySurface(known, 0.95);
  const truth = onGpu(8, 25);
  expect(Math.abs(surface.estimate(truth).meanMs / truth.latencyMs.mean - 1)).toBeLessThan(0.1);
  expect(surface.estimate(truth).cpuMs).toBe(0);
});

test('a surface through nothing is refused', () => {
  expect(() => new LatencySurface([], 0.95)).toThrow(RangeError);
});
