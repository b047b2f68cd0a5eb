import { describe, expect, it } from 'vitest';
import { arrivalStream, batchTimeStream } from '../../../autoscaler/simulation/streams.ts';
import { arrivals } from '../../../profiler/load/arrivals/arrivals.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';

const SECONDS = 1_000;

/** How many came in each second. */
function countsOf(functionName: string, seed: number): number[] {
  const counts = new Array<number>(SECONDS).fill(0);
  const curve = constantRate(50, SECONDS * 1000);
  for (const atMs of arrivals(curve, { type: 'poisson' }, arrivalStream(seed, functionName))) {
    counts[Math.floor(atMs / 1000)]! += 1;
  }
  return counts;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((total, value) => total + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const covariance = (x: readonly number[], meanX: number, y: readonly number[], meanY: number): number =>
    mean(x.map((value, index) => (value - meanX) * (y[index]! - meanY)));
  return (
    covariance(a, meanA, b, meanB) /
    Math.sqrt(covariance(a, meanA, a, meanA) * covariance(b, meanB, b, meanB))
  );
}

describe('arrivals', () => {
  it('of two functions and two seeds have nothing to do with one another', () => {
    const runs = ['a', 'b'].flatMap((name) => [1, 2].map((seed) => countsOf(name, seed)));
    for (const [index, one] of runs.entries()) {
      for (const other of runs.slice(index + 1)) expect(Math.abs(correlation(one, other))).toBeLessThan(0.1);
    }
  });

  it('do not touch what batches take', () => {
    const one = Array.from({ length: 1_000 }, arrivalStream(1, 'a'));
    const other = Array.from({ length: 1_000 }, batchTimeStream(1, 'a'));
    expect(Math.abs(correlation(one, other))).toBeLessThan(0.1);
  });
});
