import { resolve } from './axes.ts';
import type { Operands, TensorFacts } from './facts.ts';
import { along, axisOf, mixed, NO_ROWS, ONE_ROW, type Rows, rowsOf, UNKNOWN_ROWS } from './rows.ts';

/** The result of an operator of which it is not known how it brings its operands together. */
export function combined(operands: Operands): Rows {
  const all = operands.map(rowsOf).filter(({ kind }) => kind !== 'none');
  const worst = all.find(({ kind }) => kind === 'mixed');
  if (worst !== undefined) return worst;
  if (all.length === 0) return NO_ROWS;
  return all.every(({ kind }) => kind === 'one') ? ONE_ROW : UNKNOWN_ROWS;
}

/** Results with the rows that they depend on. @param rows of all of them, or of each */
export function withRows(facts: Operands, rows: Rows | readonly Rows[]): Operands {
  return facts.map((each, index) => each && { ...each, rows: 'kind' in rows ? rows : rows[index]! });
}

/** An elementwise operator with broadcasting. */
export function broadcastRows(operands: Operands, why: string): Rows {
  const given = operands.filter((each) => each !== undefined);
  const carrying = given.filter((each) => rowsOf(each).kind === 'axis');
  const rest = combined(given.filter((each) => rowsOf(each).kind !== 'axis'));
  if (carrying.length === 0 || rest.kind === 'mixed') return rest;
  if (rest.kind !== 'none') return UNKNOWN_ROWS;
  const ranks = given.map(({ rank }) => rank);
  if (!ranks.every((rank) => rank !== undefined)) return sameWithoutRanks(given, carrying);
  const rank = Math.max(...ranks);
  const axes = new Set(carrying.map((each) => axisOf(each)! + rank - each.rank!));
  const [axis, ...others] = axes;
  return others.length > 0 ? mixed(why) : along(axis);
}

/** Where ranks are not known, operands of one axis each are taken to have the same. */
function sameWithoutRanks(given: Operands, carrying: Operands): Rows {
  const axes = new Set(carrying.map((each) => axisOf(each)));
  const [axis] = axes;
  return axes.size === 1 && carrying.length === given.length ? along(axis) : UNKNOWN_ROWS;
}

/**
 * An operator whose result at each place depends on all places along some axes of `x`, and on nothing else of
 * other places: the axes stay.
 *
 * @param axes `all`, or undefined where they are not known
 */
export function acrossAxes(
  x: TensorFacts,
  axes: readonly number[] | 'all' | undefined,
  operands: Operands,
  why: string,
): Rows {
  const axis = axisOf(x);
  const rest = combined(operands.filter((each) => each !== x));
  if (rest.kind === 'mixed') return rest;
  if (axis === undefined) return combined(operands);
  if (axes === 'all') return mixed(why);
  const resolved = axes?.map((each) => resolve(each, x.rank));
  if (resolved === undefined || resolved.some((each) => each === undefined)) return UNKNOWN_ROWS;
  if (resolved.includes(axis)) return mixed(why);
  return rest.kind === 'none' ? along(axis) : broadcastRows(operands, why);
}

/** The same where those axes go. */
export function reducedRows(
  x: TensorFacts,
  axes: readonly number[] | 'all' | undefined,
  keepsAxes: boolean,
  why: string,
): Rows {
  const rows = acrossAxes(x, axes, [x], why);
  if (rows.kind !== 'axis' || keepsAxes || axes === 'all' || axes === undefined) return rows;
  const gone = new Set(axes.map((each) => resolve(each, x.rank)!));
  return along(rows.axis - [...gone].filter((each) => each < rows.axis).length);
}

/** `x` with its axis of rows at another place. @param to undefined where that is not known */
export function movedRows(x: TensorFacts, to: (axis: number) => number | undefined): Rows {
  const axis = axisOf(x);
  return axis === undefined ? rowsOf(x) : along(to(axis));
}

/** A batched matrix product, with NumPy's rules for vectors. */
export function productRows(a: TensorFacts, b: TensorFacts, why: string): Rows {
  const [left, right] = [axisOf(a), axisOf(b)];
  const rest = combined([a, b].filter((each) => axisOf(each) === undefined));
  if (rest.kind === 'mixed') return rest;
  if (left === undefined && right === undefined) return rest;
  if (rest.kind !== 'none') return UNKNOWN_ROWS;
  if (a.rank === undefined || b.rank === undefined) return UNKNOWN_ROWS;
  if (left === a.rank - 1 || (right !== undefined && right === Math.max(0, b.rank - 2))) return mixed(why);
  const rank = Math.max(a.rank, b.rank, 2);
  const places = new Set<number>();
  // A vector is a matrix of one row, or of one column, which goes again.
  if (left !== undefined) places.add(left + rank - Math.max(2, a.rank));
  if (right !== undefined) places.add(right + rank - Math.max(2, b.rank));
  const [place, ...others] = places;
  if (others.length > 0) return mixed(why);
  return along(a.rank === 1 && place === rank - 1 ? place - 1 : place);
}

/** An Einstein summation. */
export function einsumRows(operands: readonly TensorFacts[], equation: string, why: string): Rows {
  const [left = '', right] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  const carrying = operands.filter((each) => axisOf(each) !== undefined);
  if (carrying.length === 0) return combined(operands);
  const rest = combined(operands.filter((each) => axisOf(each) === undefined));
  if (rest.kind === 'mixed') return rest;
  if (right === undefined || equation.includes('.') || terms.length !== operands.length) return UNKNOWN_ROWS;
  const letters = new Set(
    operands.flatMap((each, index) => {
      const axis = axisOf(each);
      return axis === undefined ? [] : [terms[index]![axis]];
    }),
  );
  const [letter, ...others] = letters;
  if (letter === undefined || others.length > 0 || !right.includes(letter)) return mixed(why);
  return rest.kind === 'none' ? along(right.indexOf(letter)) : UNKNOWN_ROWS;
}

/** @param zeroCopies whether a size of 0 copies the size of that axis of `x` */
export function reshapedRows(x: TensorFacts, shape: TensorFacts, zeroCopies: boolean): Rows {
  const axis = axisOf(x);
  const ofShape = rowsOf(shape);
  if (ofShape.kind === 'mixed') return ofShape;
  if (axis === undefined) return rowsOf(x);
  const { elements } = shape;
  if (elements === undefined) return UNKNOWN_ROWS;
  if (zeroCopies && elements[axis] === 0) return along(axis);
  const sized = [...elements.keys()].filter((index) => elements[index] === 'rows');
  if (sized.length > 0) return sized.length === 1 ? along(sized[0]) : UNKNOWN_ROWS;
  return elements.includes('shape') || elements.includes('value')
    ? UNKNOWN_ROWS
    : along(elements.indexOf(-1));
}

/** Elements of `x` at `indices` along an axis. */
export function gatheredRows(x: TensorFacts, indices: TensorFacts, axis: number, why: string): Rows {
  const at = resolve(axis, x.rank);
  const [ofX, ofIndices] = [axisOf(x), axisOf(indices)];
  const rest = combined([x, indices].filter((each) => axisOf(each) === undefined));
  if (rest.kind === 'mixed') return rest;
  if (ofX === undefined && ofIndices === undefined) return rest;
  if (at === undefined || indices.rank === undefined || rest.kind !== 'none') return UNKNOWN_ROWS;
  if (ofX === at) {
    const isFixed = indices.elements?.every((each) => typeof each === 'number') === true;
    return isFixed ? mixed(why) : UNKNOWN_ROWS;
  }
  if (ofX !== undefined && ofIndices !== undefined) return mixed(why);
  if (ofIndices !== undefined) return along(at + ofIndices);
  return along(ofX! < at ? ofX : ofX! - 1 + indices.rank);
}
