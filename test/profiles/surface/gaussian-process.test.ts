import { expect, test } from 'vitest';
import { GaussianProcess } from '../../../profiles/surface/gaussian-process.ts';
import { matern } from '../../../profiles/surface/point.ts';

const covariance = (a: number, b: number): number => matern(Math.abs(a - b), 1);

test('one observation gives the known formulas', () => {
  const process = new GaussianProcess({ points: [0], values: [2], noise: [0.5] }, () => 1);
  expect(process.at(7).mean).toBeCloseTo(2 / 1.5, 12);
  expect(process.at(7).variance).toBeCloseTo(1 - 1 / 1.5, 12);
  expect(process.logLikelihood).toBeCloseTo(-(4 / 1.5 + Math.log(1.5) + Math.log(2 * Math.PI)) / 2, 12);
});

test('it goes through what it was told exactly, and knows nothing far away', () => {
  const points = [0, 1, 2.5];
  const values = [0.3, -1, 0.5];
  const process = new GaussianProcess({ points, values, noise: [1e-9, 1e-9, 1e-9] }, covariance);
  points.forEach((point, index) => {
    expect(process.at(point).mean).toBeCloseTo(values[index]!, 5);
    expect(process.at(point).variance).toBeCloseTo(0, 5);
  });
  expect(process.at(100)).toEqual({ mean: expect.closeTo(0, 9), variance: expect.closeTo(1, 9) });
});

test('what is uncertain together agrees with what is uncertain alone', () => {
  const process = new GaussianProcess({ points: [0, 3], values: [1, 2], noise: [0.1, 0.2] }, covariance);
  const posterior = process.posterior([1, 2]);
  expect(posterior[0]![0]).toBeCloseTo(process.at(1).variance, 12);
  expect(posterior[1]![1]).toBeCloseTo(process.at(2).variance, 12);
  expect(posterior[0]![1]).toBeCloseTo(posterior[1]![0]!, 12);
  expect(posterior[0]![1]).toBeGreaterThan(0);
});
