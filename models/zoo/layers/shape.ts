import type { Dimension } from '../encode.ts';
import type { Value } from '../graph.ts';

/** The size of an axis, which must not be the batch. */
export function sizeOf(x: Value, axis: number): number {
  const size = x.shape.at(axis);
  if (typeof size !== 'number')
    throw new RangeError(`axis ${axis} of ${x.name} [${x.shape}] has no fixed size`);
  return size;
}

export function transpose(x: Value, permutation: readonly number[]): Value {
  const shape = permutation.map((axis) => x.shape[axis]!);
  return x.graph.node('Transpose', [x], shape, { perm: permutation });
}

/** Images as clients send them (batch, height, width, channels) into the order ONNX convolves in. */
export function channelsFirst(image: Value): Value {
  return transpose(image, [0, 3, 1, 2]);
}

export function channelsLast(image: Value): Value {
  return transpose(image, [0, 2, 3, 1]);
}

/** Gives each row another shape; the batch stays as it is. */
export function reshapeRows(x: Value, rowShape: readonly number[]): Value {
  const [batch, ...rest] = x.shape;
  const sizes = rest.map((_, index) => sizeOf(x, index + 1));
  if (product(sizes) !== product(rowShape)) {
    throw new RangeError(`rows of ${x.name} [${sizes}] cannot take the shape [${rowShape}]`);
  }
  // Zero keeps the size of the axis at its place.
  return x.graph.node('Reshape', [x, x.graph.integers([0, ...rowShape])], [batch!, ...rowShape]);
}

export function flatten(x: Value): Value {
  return reshapeRows(x, [product(x.shape.slice(1).map((_, index) => sizeOf(x, index + 1)))]);
}

/** Drops an axis of size one. */
export function squeeze(x: Value, axis: number): Value {
  const shape = x.shape.filter((_, index) => index !== axis);
  return x.graph.node('Squeeze', [x, x.graph.integers([axis])], shape);
}

export function concat(parts: readonly Value[], axis: number): Value {
  const first = parts[0]!;
  const total = parts.reduce((sum, part) => sum + sizeOf(part, axis), 0);
  const shape = first.shape.with(axis, total) as Dimension[];
  return first.graph.node('Concat', parts, shape, { axis });
}

/** Positions `from` up to, not including, `to` of one axis. */
export function slice(x: Value, axis: number, from: number, to: number): Value {
  const { graph } = x;
  const bounds = [[from], [to], [axis]].map((numbers) => graph.integers(numbers));
  return graph.node('Slice', [x, ...bounds], x.shape.with(axis, to - from));
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
