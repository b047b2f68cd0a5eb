import { randomNormal } from 'd3-random';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { correctForSpeed } from '../../../profiler/sweep/speed-correction.ts';
import type { Cell } from '../../../profiles/table.ts';
import { cell } from '../../profiles/sample-table.ts';

const QUOTAS = [250, 500, 1000];
const BATCHES = [1, 2, 4, 8];

/**
 * A cell as a host of such a speed measured it: 10 ms a row on a core, times what the quota does to caches.
 */
function seen(batch: number, cpuMillicores: number, slowness: number, quotaEffect = 1): Cell {
  const cpuMs = 10 * batch * slowness * quotaEffect;
  const mean = cpuMs / (cpuMillicores / 1000);
  const sample = cell(batch, cpuMillicores, mean);
  return {
    ...sample,
    cpuMs,
    latencyMs: { ...sample.latencyMs, mean, meanInterval: [mean * 0.8, mean * 1.2] },
    yardstick: { meanMs: 10 * slowness * quotaEffect, relativeError: 0.02 },
  };
}

function perRow({ latencyMs, batch, cpuMillicores }: Cell): number {
  return (latencyMs.mean / batch) * (cpuMillicores / 1000);
}

function spread(values: readonly number[]): number {
  return Math.max(...values) / Math.min(...values) - 1;
}

describe('cells as of one speed', () => {
  test('what a host that changes did to them is gone, and told', () => {
    const normal = randomNormal.source(seededRandom(3))(0, 0.1);
    const raw = QUOTAS.flatMap((quota) => BATCHES.map((batch) => seen(batch, quota, Math.exp(normal()))));
    const corrected = correctForSpeed(raw, 0.03);
    expect(spread(raw.map(perRow))).toBeGreaterThan(0.2);
    expect(spread(corrected.map(perRow))).toBeLessThan(0.07);
    for (const [index, { latencyMs, speedFactor, cpuMs, converged }] of corrected.entries()) {
      expect(latencyMs.mean / speedFactor!).toBeCloseTo(raw[index]!.latencyMs.mean, 9);
      expect(latencyMs.p99 / speedFactor!).toBeCloseTo(raw[index]!.latencyMs.p99, 9);
      expect(cpuMs / speedFactor!).toBeCloseTo(raw[index]!.cpuMs, 9);
      expect(latencyMs.meanInterval[1] / latencyMs.mean).toBeCloseTo(1.02, 9);
      expect(converged).toBe(true);
    }
  });

  test('what a quota does to every cell stays', () => {
    const effect: Record<number, number> = { 250: 1.5, 500: 1.2, 1000: 1 };
    const raw = QUOTAS.flatMap((quota) => BATCHES.map((batch) => seen(batch, quota, 1, effect[quota]!)));
    for (const [index, corrected] of correctForSpeed(raw, 0.03).entries()) {
      expect(perRow(corrected) / perRow(raw[index]!)).toBeGreaterThan(0.97);
      expect(perRow(corrected) / perRow(raw[index]!)).toBeLessThan(1.03);
    }
  });

  test('cells with other threads have another yardstick', () => {
    const two = { ...seen(4, 2000, 1), threads: 2, yardstick: { meanMs: 30, relativeError: 0.02 } };
    const [one, other] = correctForSpeed([seen(4, 1000, 1), two], 0.03);
    expect(one!.speedFactor).toBeCloseTo(1, 2);
    expect(other!.speedFactor).toBeCloseTo(1, 2);
  });

  test('a cell without a yardstick stays as it is', () => {
    const { yardstick: _, ...without } = seen(4, 1000, 1);
    expect(correctForSpeed([without, seen(2, 1000, 1.1), seen(1, 1000, 0.9)], 0.03)[0]).toBe(without);
  });

  test('means stay above zero and within their intervals', () => {
    const speeds = fc.double({ min: 0.2, max: 5, noNaN: true });
    fc.assert(
      fc.property(fc.array(speeds, { minLength: 1, maxLength: 8 }), (slownesses) => {
        const raw = slownesses.map((slowness, index) => seen(1 << index, 1000, slowness));
        for (const { latencyMs } of correctForSpeed(raw, 0.03)) {
          expect(latencyMs.meanInterval[0]).toBeGreaterThan(0);
          expect(latencyMs.meanInterval[0]).toBeLessThan(latencyMs.mean);
          expect(latencyMs.meanInterval[1]).toBeGreaterThan(latencyMs.mean);
        }
      }),
    );
  });
});
