import { expect, test } from 'vitest';
import type { Operator } from '../../../../models/engines/tracing.ts';
import { OperatorTimes } from '../../../../profiler/operators/prediction/operator-times.ts';

function elementwise(kind: string, elements: number): Operator {
  return {
    kind,
    dtype: 'float',
    inputs: [[1, elements]],
    outputs: [[1, elements]],
    weights: [],
    window: 1,
  };
}

/** A microsecond each, and one for each thousand elements; the clock counts whole ones. */
function timed(kind: string, elements: number): { operator: Operator; meanMs: number } {
  return { operator: elementwise(kind, elements), meanMs: Math.ceil(1 + elements / 1000) / 1000 };
}

test('of a kind that was seen small alone, large ones take what any operator does', () => {
  const sizes = [1, 4, 16, 64, 1000, 10_000, 100_000, 1_000_000];
  const times = new OperatorTimes([
    ...sizes.flatMap((size) => [timed('Mul', size), timed('Add', size), timed('Relu', size)]),
    ...[1, 4, 16].flatMap((size) => [timed('Div', size), timed('Div', size)]),
  ]);
  const large = timed('Div', 500_000);
  const { meanMs, isKnown } = times.at(large.operator);
  expect(isKnown).toBe(true);
  expect(meanMs / large.meanMs).toBeGreaterThan(0.5);
  expect(meanMs / large.meanMs).toBeLessThan(2);
  const small = timed('Div', 8);
  expect(times.at(small.operator).meanMs / small.meanMs).toBeGreaterThan(0.7);
  expect(times.at(small.operator).meanMs / small.meanMs).toBeLessThan(1.4);
});
