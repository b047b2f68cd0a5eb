import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellsOf,
  checkCpus,
  defaultGrid,
  parseBatches,
  parseCpus,
  parseGpuPercents,
} from '../../../profiler/sweep/grid.ts';
import { configKey } from '../../../profiles/config.ts';

describe('default grid', () => {
  it('is powers of two by fractions of the cores', () => {
    expect(defaultGrid({ cpuMillicores: 2000, batching: true, quick: false })).toEqual({
      batches: [1, 2, 4, 8, 16, 32],
      cpuMillicores: [250, 500, 1000, 1500, 2000],
      gpuPercents: [0],
    });
  });

  it('has one batch for a model that cannot batch', () => {
    expect(defaultGrid({ cpuMillicores: 1000, batching: false, quick: false })).toEqual({
      batches: [1],
      cpuMillicores: [250, 500, 1000],
      gpuPercents: [0],
    });
  });

  it('always ends with all there is, also where that is no round number', () => {
    expect(defaultGrid({ cpuMillicores: 7300, batching: true, quick: true })).toEqual({
      batches: [1, 2, 4, 8, 16],
      cpuMillicores: [500, 1000, 2000, 4000, 7300],
      gpuPercents: [0],
    });
  });
});

describe('lists of the command line', () => {
  it('are sorted and free of repetitions', () => {
    expect(parseBatches('8, 1,2,8')).toEqual([1, 2, 8]);
    expect(parseCpus('2,500m,0.5,1')).toEqual([500, 1000, 2000]);
    expect(parseGpuPercents('50%,0,100,50')).toEqual([0, 50, 100]);
  });

  it.each(['0', '1.5', '1,x', '-1', '', ','])('refuses batches "%s"', (text) => {
    expect(() => parseBatches(text)).toThrow('--batches');
  });

  it.each(['0', 'two', '', '1;2', '-0.5', '0.0001'])('refuses CPU quotas "%s"', (text) => {
    expect(() => parseCpus(text)).toThrow('--cpus');
  });

  it('refuses a quota that the host does not have', () => {
    expect(() => checkCpus([500, 4000], 1500)).toThrow(
      'A CPU quota of 4 cores cannot be measured where 1.5 are available',
    );
    expect(() => checkCpus([2000], 2000)).not.toThrow();
  });
});

describe('order of cells', () => {
  const grids = fc.record({
    batches: fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 6 }),
    cpuMillicores: fc.uniqueArray(fc.integer({ min: 1, max: 8000 }), { minLength: 1, maxLength: 6 }),
    gpuPercents: fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 3 }),
  });

  it('holds every cell once, the easiest first, and depends on nothing but the seed', () => {
    fc.assert(
      fc.property(grids, fc.string(), (grid, seed) => {
        const cells = cellsOf(grid, seed);
        const size = grid.batches.length * grid.cpuMillicores.length * grid.gpuPercents.length;
        expect(new Set(cells.map(configKey)).size).toBe(size);
        expect(cells).toHaveLength(size);
        expect(cells[0]).toEqual({
          batch: Math.min(...grid.batches),
          cpuMillicores: Math.max(...grid.cpuMillicores),
          gpuPercent: Math.min(...grid.gpuPercents),
        });
        expect(cellsOf(grid, seed)).toEqual(cells);
      }),
    );
  });

  it('is shuffled: neither batch nor quota rises along the sweep', () => {
    const cells = cellsOf(defaultGrid({ cpuMillicores: 4000, batching: true, quick: false }), 'seed');
    const order = cells.map((_, place) => place);
    expect(
      Math.abs(
        correlation(
          order,
          cells.map((cell) => cell.batch),
        ),
      ),
    ).toBeLessThan(0.4);
    expect(
      Math.abs(
        correlation(
          order,
          cells.map((cell) => cell.cpuMillicores),
        ),
      ),
    ).toBeLessThan(0.4);
  });
});

function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, value, i) => sum + (value - meanX) * (y[i]! - meanY), 0);
  const spread = (values: readonly number[], at: number): number =>
    Math.sqrt(values.reduce((sum, value) => sum + (value - at) ** 2, 0));
  return covariance / (spread(x, meanX) * spread(y, meanY));
}
