import { isSame, join, type Operands, type TensorFacts } from './facts.ts';

/** One turn of a loop: what is carried on to the next, and all that it gives. */
export interface Turn {
  readonly state: Operands;
  readonly results: Operands;
}

/** Turn after turn, until another tells nothing new of what is carried from one to the next. */
export function repeat(
  start: Operands,
  turn: (state: Operands) => Turn,
): { readonly carried: Operands; readonly results: Operands } {
  for (let carried = start; ; ) {
    const { state, results } = turn(carried);
    const next = carried.map((each, index) => either(each, state[index]));
    if (next.every((each, index) => isSameAs(each, carried[index]))) return { carried, results };
    carried = next;
  }
}

function isSameAs(a: TensorFacts | undefined, b: TensorFacts | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && isSame(a, b));
}

/** One of two, of which one may not be known yet. */
export function either(a: TensorFacts | undefined, b: TensorFacts | undefined): TensorFacts | undefined {
  return a === undefined || b === undefined ? (a ?? b) : join(a, b);
}

/** What comes out where it depends on values which way was taken, or how often. */
export function asValue({ rank, counted }: TensorFacts): TensorFacts {
  return { rank, counted, isValue: true };
}
