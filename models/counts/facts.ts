/** Where a number comes from: it stands in the file, or follows from the inputs' shapes alone, or from their values. */
export type Origin = number | 'shape' | 'value';

/** Axes by their place; `some` where it is not known which. */
export type Axes = ReadonlySet<number> | 'some';

/** What a graph tells of a tensor before anything has run. */
export interface TensorFacts {
  /** Undefined where it is not known. */
  readonly rank: number | undefined;
  /**
   * Axes that are as long as a count of values: of boxes that are kept, of elements that are not zero. The size of every
   * other axis follows from the inputs' shapes.
   */
  readonly counted: Axes;
  /** Whether its elements depend on values of the inputs. */
  readonly isValue: boolean;
  /** Of a scalar or a short vector, such as a shape: where each element comes from. */
  readonly elements?: readonly Origin[];
}

export const NO_AXES: ReadonlySet<number> = new Set();

/** Longer vectors are nobody's shape. */
const LONGEST = 64;

/** A tensor of which nothing is counted, as inputs are. */
export function plain(rank: number | undefined, isValue: boolean): TensorFacts {
  return { rank, counted: NO_AXES, isValue };
}

/** A scalar or a vector by where its elements come from. */
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

/** What an operator is given: operands that it can do without may be absent. */
export type Operands = readonly (TensorFacts | undefined)[];

/** Whether one of these depends on values of the inputs, by its elements or by its size. */
export function anyValue(operands: Operands): boolean {
  return operands.some((each) => each !== undefined && (each.isValue || isCounted(each)));
}

export function anyCounted(operands: Operands): boolean {
  return operands.some((each) => each !== undefined && isCounted(each));
}

/** Whether an element depends on values; of a long vector any may. */
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

/** What is reckoned from several numbers is none of them. */
export function blend(origins: readonly Origin[]): Origin {
  return origins.includes('value') ? 'value' : 'shape';
}

/** What several numbers are together: known only where they are the same. */
export function mix(origins: readonly Origin[]): Origin {
  if (origins.includes('value')) return 'value';
  const [first, ...others] = origins;
  return first !== undefined && others.every((each) => each === first) ? first : 'shape';
}

/** What holds of a tensor that may be either of two: the outcome of a branch, or of one more turn of a loop. */
export function join(a: TensorFacts, b: TensorFacts): TensorFacts {
  const isSameRank = a.rank === b.rank;
  const isEitherCounted = isCounted(a) || isCounted(b);
  return {
    rank: isSameRank ? a.rank : undefined,
    counted: isSameRank || !isEitherCounted ? unite([a.counted, b.counted]) : 'some',
    isValue: a.isValue || b.isValue,
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
    a.elements?.join() === b.elements?.join()
  );
}

function isSameAxes(a: Axes, b: Axes): boolean {
  if (a === 'some' || b === 'some') return a === b;
  return a.size === b.size && [...a].every((axis) => b.has(axis));
}
