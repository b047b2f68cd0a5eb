import { aligned, alike, highest, mapAxes, resized, resolveAll, unknown, without } from './axes.ts';
import { anyValue, blend, type Operands, plain, type TensorFacts, unite, vector } from './facts.ts';
import { unsqueezed } from './moves.ts';

/** An elementwise operator with broadcasting. */
export function broadcast(operands: readonly TensorFacts[]): TensorFacts {
  const rank = highest(operands.map((each) => each.rank));
  if (rank === undefined) return unknown(operands);
  const counted = unite(operands.map((each) => aligned(each, rank)));
  return { rank, counted, isValue: anyValue(operands), ...elementwise(rank, operands) };
}

function elementwise(rank: number, operands: readonly TensorFacts[]): Partial<TensorFacts> {
  const lists = operands.map(({ elements }) => elements);
  if (rank > 1 || !lists.every((list) => list !== undefined)) return {};
  const length = Math.max(...lists.map((list) => list.length));
  if (lists.some((list) => list.length !== 1 && list.length !== length)) return {};
  return vector(
    rank as 0 | 1,
    Array.from({ length }, (_, index) =>
      blend(lists.map((list) => (list.length === 1 ? list[0]! : list[index]!))),
    ),
  );
}

/**
 * A reduction such as a sum or a maximum.
 *
 * @param axes undefined where they are not known
 * @param keepsAxes whether reduced axes stay, with size 1
 */
export function reduced(
  x: TensorFacts,
  axes: readonly number[] | 'all' | undefined,
  keepsAxes: boolean,
): TensorFacts {
  if (axes === 'all') {
    if (x.elements !== undefined && !keepsAxes) return vector(0, [blend(x.elements)]);
    return plain(keepsAxes ? x.rank : 0, anyValue([x]));
  }
  const gone = axes === undefined ? undefined : resolveAll(axes, x.rank);
  if (gone === undefined) return { ...unknown([x]), rank: keepsAxes ? x.rank : undefined };
  if (!keepsAxes) return without(x, gone);
  return { ...alike(x), counted: mapAxes(x.counted, (axis) => (gone.has(axis) ? undefined : axis)) };
}

/** A batched matrix product, with NumPy's rules for vectors. */
export function matrixProduct(a: TensorFacts, b: TensorFacts): TensorFacts {
  if (a.rank === undefined || b.rank === undefined) return unknown([a, b]);
  const left = a.rank === 1 ? unsqueezed(a, [0]) : a;
  const right = b.rank === 1 ? unsqueezed(b, [1]) : b;
  const rank = Math.max(left.rank!, right.rank!);
  const [rowAxis, columnAxis] = [rank - 2, rank - 1];
  const ofLeft = mapAxes(aligned(left, rank), (axis) => (axis === columnAxis ? undefined : axis));
  const ofRight = mapAxes(aligned(right, rank), (axis) => (axis === rowAxis ? undefined : axis));
  const whole: TensorFacts = { rank, counted: unite([ofLeft, ofRight]), isValue: anyValue([a, b]) };
  const gone = [...(a.rank === 1 ? [rowAxis] : []), ...(b.rank === 1 ? [columnAxis] : [])];
  return without(whole, new Set(gone));
}

/** A convolution or pooling: the number of channels is that of the filters, other counted axes remain. */
export function windowed(x: TensorFacts, channelAxis: number, operands: Operands): TensorFacts {
  return { ...resized(x, channelAxis, false), isValue: anyValue(operands) };
}

/** An Einstein summation. */
export function einsum(operands: readonly TensorFacts[], equation: string): TensorFacts {
  const [left = '', right] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (right === undefined || equation.includes('.') || terms.length !== operands.length) {
    return unknown(operands);
  }
  const counted = operands.map((each, index) =>
    mapAxes(each.counted, (axis) => {
      const place = right.indexOf(terms[index]![axis] ?? ' ');
      return place < 0 ? undefined : place;
    }),
  );
  return { rank: right.length, counted: unite(counted), isValue: anyValue(operands) };
}
