import { expect, it } from 'vitest';
import { meanInterval } from '../../../autoscaler/simulation/intervals.ts';

it('is the mean, and as wide as Student’s t says', () => {
  // R: t.test(c(1, 2, 4, 5, 8)): mean 4, interval 0.5994 … 7.4006
  const { mean, half, runs } = meanInterval([1, 2, 4, 5, 8]);
  expect({ mean, runs }).toEqual({ mean: 4, runs: 5 });
  expect(half).toBeCloseTo(3.4006, 3);
  expect(meanInterval([7])).toEqual({ mean: 7, half: 0, runs: 1 });
});
