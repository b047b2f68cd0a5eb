import { isSameRows, joinRows, type Rows, rowsOf } from './rows.ts';

/**
 * Where a number comes from: a constant of the file, the shapes of the inputs alone (`rows`: the number of
 * rows of the batch, or a multiple of it), or their values.
 */
export type Origin = number | 'shape' | 'rows' | 'value';

/** A set of axes; `some` if there are any, but it is not known which. */
export type Axes = ReadonlySet<number> | 'some';

/** What a graph tells about a tensor without running. */
export interface TensorFacts {
  /** Undefined where it is not known. */
  readonly rank: number | undefined;
  /**
   * Axes whose size depends on values, such as the number of boxes kept or of non-zero elements. All other
   * sizes follow from the shapes of the inputs.
   */
  readonly counted: Axes;
  /** Whether its elements depend on the values of the inputs. */
  readonly isValue: boolean;
  /** Which rows of the batch its values depend on; default: none. */
  readonly rows?: Rows;
  /** For a scalar or a short vector, such as a shape: the origin of each element. */
  readonly elements?: readonly Origin[];
}

export const NO_AXES: ReadonlySet<number> = new Set();

/** No shape is longer. */
const LONGEST = 64;

/** A tensor without counted axes, such as an input. */
export function plain(rank: number | undefined, isValue: boolean): TensorFacts {
  return { rank, counted: NO_AXES, isValue };
}

/** A scalar or a vector, by the origins of its elements. */
export function vector(rank: 0 | 1, elements: readonly Origin[]): TensorFacts {
  const facts = plain(rank, elements.includes('value'));
  return elements.length <= LONGEST ? { ...facts, elements } : facts;
}

export function isCounted({ counted }: TensorFacts): boolean {
  return counted === 'some' || counted.size > 0;
}

export function hasCountedAxis({ counted }: TensorFacts, axis: number): boolean {
  return counted === 'some' || counted.has(axis);
}

/** The operands of an operator; optional ones may be absent. */
export type Operands = readonly (TensorFacts | undefined)[];

/** Whether the elements or the size of one of these depend on values. */
export function anyValue(operands: Operands): boolean {
  return operands.some((each) => each !== undefined && (each.isValue || isCounted(each)));
}

export function anyCounted(operands: Operands): boolean {
  return operands.some((each) => each !== undefined && isCounted(each));
}

/** Whether an element depends on values; where elements are not known, any may. */
export function isValueAt({ elements, isValue }: TensorFacts, index: number): boolean {
  return elements === undefined ? isValue : elements[index] === 'value';
}

export function unite(all: readonly Axes[]): Axes {
  const axes = new Set<number>();
  for (const each of all) {
    if (each === 'some') return 'some';
    for (const axis of each) axes.add(axis);
  }
  return axes;
}

/** The origin of a number that is computed from several. */
export function blend(origins: readonly Origin[]): Origin {
  if (origins.includes('value')) return 'value';
  return origins.includes('rows') ? 'rows' : 'shape';
}

/** The origin of a number that is one of several: a constant only if all are the same constant. */
export function mix(origins: readonly Origin[]): Origin {
  if (origins.includes('value')) return 'value';
  const [first, ...others] = origins;
  return first !== undefined && others.every((each) => each === first) ? first : 'shape';
}

/** What holds for a tensor that may be either of two, such as the results of two branches. */
export function join(a: TensorFacts, b: TensorFacts): TensorFacts {
  return {
    rank: a.rank === b.rank ? a.rank : undefined,
    counted: unite([a.counted, b.counted]),
    isValue: a.isValue || b.isValue,
    rows: joinRows(rowsOf(a), rowsOf(b)),
    ...joinElements(a.elements, b.elements),
  };
}

function joinElements(
  a: readonly Origin[] | undefined,
  b: readonly Origin[] | undefined,
): Pick<TensorFacts, 'elements'> {
  if (a === undefined || b === undefined || a.length !== b.length) return {};
  return { elements: a.map((origin, index) => mix([origin, b[index]!])) };
}

export function isSame(a: TensorFacts, b: TensorFacts): boolean {
  return (
    a.rank === b.rank &&
    a.isValue === b.isValue &&
    isSameAxes(a.counted, b.counted) &&
    isSameRows(rowsOf(a), rowsOf(b)) &&
    a.elements?.join() === b.elements?.join()
  );
}

function isSameAxes(a: Axes, b: Axes): boolean {
  if (a === 'some' || b === 'some') return a === b;
  return a.size === b.size && [...a].every((axis) => b.has(axis));
}

/** The same rule for several operators. @param names separated by white space */
export function forAll<R>(names: string, rule: R): Readonly<Record<string, R>> {
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, rule]),
  );
}
