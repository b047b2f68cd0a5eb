import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExecutionTimes } from '../../../autoscaler/simulation/cluster/execution-times.ts';
import { distributionOf, hasSpread } from '../../../autoscaler/simulation/time-distribution.ts';
import { packageRoot } from '../../../models/base/package.ts';
import { namedRandom } from '../../../models/base/random.ts';
import { importInflessText } from '../../../profiles/import/infless-text.ts';
import { importPerfAnalyzer } from '../../../profiles/import/perf-analyzer.ts';
import { viewOf } from '../../../profiles/lookup.ts';
import { type Latency, type ProfileTable, profileTableSchema } from '../../../profiles/table.ts';

const example = (name: string): ProfileTable =>
  profileTableSchema.parse(JSON.parse(readFileSync(join(packageRoot, `profiles/${name}.json`), 'utf8')));

function latency(told: Partial<Latency>): Latency {
  const mean = told.mean ?? 10;
  return {
    mean,
    p50: mean,
    p95: mean,
    p99: mean,
    min: mean,
    max: mean,
    standardDeviation: 0,
    meanInterval: [mean, mean],
    ...told,
  };
}

/** What a sample of a distribution tells. */
function drawn(draw: () => number, count: number): Pick<Latency, 'mean' | 'p50' | 'p95' | 'p99'> {
  const times = Float64Array.from({ length: count }, draw).sort();
  const at = (quantile: number): number => times[Math.floor(quantile * count)]!;
  const mean = times.reduce((sum, time) => sum + time, 0) / count;
  return { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

describe('what batches take', () => {
  const DRAWS = 100_000;
  const imported = [{ lines: 'net 1 0 1 12.5\nnet 1 0 4 31\nnet 2 10 8 20' }, { lines: 'net 1 0 2 140' }].map(
    ({ lines }) => importInflessText(lines)[0]!.table,
  );
  const withPercentiles = importPerfAnalyzer(
    readFileSync(join(packageRoot, 'test/profiles/fixtures/perf-analyzer.csv'), 'utf8'),
    { model: 'net', cpuMillicores: 1000 },
  ).table;
  const tables: [string, ProfileTable][] = [
    ['mobilenet', example('mobilenet-epyc')],
    ['ppocr-cls', example('ppocr-cls-epyc')],
    ['imported text', imported[0]!],
    ['one imported line', imported[1]!],
    ['imported percentiles', withPercentiles],
  ];

  it.each(tables)('is in mean and percentiles what the table tells: %s', (name, table) => {
    const cells = table.cells.length > 6 ? table.cells.filter((_, index) => index % 5 === 1) : table.cells;
    for (const cell of cells) {
      const times = new ExecutionTimes(viewOf(table), namedRandom(1, name), 0);
      const seen = drawn(() => times.drawMs(cell, cell.batch), DRAWS);
      for (const figure of ['mean', 'p50', 'p95', 'p99'] as const) {
        const ratio = seen[figure] / cell.latencyMs[figure];
        expect(ratio, `${figure} of batch ${cell.batch}`).toBeGreaterThan(0.98);
        expect(ratio, `${figure} of batch ${cell.batch}`).toBeLessThan(1.02);
      }
    }
  });

  it('is at every quantile no less than at a lower one, and in the mean what is told', () => {
    const told = fc
      .record({
        p50: fc.double({ min: 1, max: 100, noNaN: true }),
        toP95: fc.double({ min: 1, max: 4, noNaN: true }),
        toP99: fc.double({ min: 1, max: 3, noNaN: true }),
        min: fc.double({ min: 0.3, max: 1, noNaN: true }),
        meanShare: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .map(({ p50, toP95, toP99, min, meanShare }) => {
        const [p95, p99] = [p50 * toP95, p50 * toP95 * toP99];
        const least = 0.5 * min * p50 + 0.45 * p50 + 0.04 * p95 + 0.01 * p99; // whatever lies between
        const mean = 1.05 * (least + meanShare * (0.9 * p95 + 0.1 * p99 - least));
        return latency({ mean, p50, p95, p99, min: min * p50 });
      });
    fc.assert(
      fc.property(told, (cell) => {
        const at = distributionOf(cell);
        let [sum, last] = [0, 0];
        const steps = 20_000;
        for (let step = 0; step < steps; step += 1) {
          const time = at((step + 0.5) / steps);
          expect(time).toBeGreaterThanOrEqual(last * (1 - 1e-12));
          sum += time;
          last = time;
        }
        expect(at(0.5)).toBeCloseTo(cell.p50, 9);
        expect(at(0.95)).toBeCloseTo(cell.p95, 9);
        expect(at(0.99)).toBeCloseTo(cell.p99, 9);
        const spread = (cell.p99 - cell.p95) / cell.mean;
        if (cell.min < cell.p50) expect(sum / steps / cell.mean).toBeGreaterThan(0.98 - 0.02 * spread);
      }),
      { numRuns: 60 },
    );
  });

  it('goes on beyond p99 as an exponential does', () => {
    const at = distributionOf(latency({ mean: 12, p50: 10, p95: 20, p99: 30, min: 8 }));
    expect(at(0.999)).toBeCloseTo(30 + (10 * Math.log(10)) / Math.log(5), 9);
    expect(at(0.9999)).toBeCloseTo(30 + (20 * Math.log(10)) / Math.log(5), 9);
  });

  it('is one time where the table tells one', () => {
    expect(hasSpread(latency({}))).toBe(false);
    const at = distributionOf(latency({}));
    expect([0, 0.3, 0.999999].map(at)).toEqual([10, 10, 10]);
  });

  it('lies between those of the batch sizes around it', () => {
    const [table] = tables[2]!.slice(1) as [ProfileTable];
    const times = new ExecutionTimes(viewOf(table), namedRandom(1, 'between'), 0);
    const config = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 };
    expect(times.drawMs(config, 1)).toBe(12.5);
    expect(times.drawMs(config, 2)).toBeCloseTo(12.5 + (31 - 12.5) / 3, 9);
    expect(times.drawMs(config, 4)).toBe(31);
    expect(times.drawMs(config, 8)).toBe(62);
  });
});
