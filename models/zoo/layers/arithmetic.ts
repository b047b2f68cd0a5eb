import type { Value } from '../graph.ts';

export const relu = (x: Value): Value => x.graph.node('Relu', [x], x.shape);
export const sigmoid = (x: Value): Value => x.graph.node('Sigmoid', [x], x.shape);
export const tanh = (x: Value): Value => x.graph.node('Tanh', [x], x.shape);
export const exp = (x: Value): Value => x.graph.node('Exp', [x], x.shape);

/** A rectifier bounded at 6, as the mobile networks use. */
export function relu6(x: Value): Value {
  const bounds = [x.graph.constant([], [0]), x.graph.constant([], [6])];
  return x.graph.node('Clip', [x, ...bounds], x.shape);
}

/** Probabilities over the last axis. */
export function softmax(x: Value): Value {
  return x.graph.node('Softmax', [x], x.shape, { axis: -1 });
}

/** The right operand may be smaller: it broadcasts over the left one, never the other way round. */
export const add = (a: Value, b: Value): Value => a.graph.node('Add', [a, b], a.shape);
export const subtract = (a: Value, b: Value): Value => a.graph.node('Sub', [a, b], a.shape);
export const multiply = (a: Value, b: Value): Value => a.graph.node('Mul', [a, b], a.shape);
export const divide = (a: Value, b: Value): Value => a.graph.node('Div', [a, b], a.shape);

/** Sums an axis, which stays with size one: [batch, n] → [batch, 1]. */
export function sum(x: Value, axis: number): Value {
  return x.graph.node('ReduceSum', [x, x.graph.integers([axis])], x.shape.with(axis, 1), { keepdims: 1 });
}

/** The Euclidean length along an axis, which stays with size one. */
export function norm(x: Value, axis: number): Value {
  return x.graph.node('ReduceL2', [x], x.shape.with(axis, 1), { axes: [axis], keepdims: 1 });
}
