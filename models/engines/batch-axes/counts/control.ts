import { isSame, join, type Operands, type TensorFacts } from './facts.ts';

/** One iteration of a loop: the state for the next one, and all results. */
export interface Turn {
  readonly state: Operands;
  readonly results: Operands;
}

/** Iterates until the facts about the carried state no longer change. */
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

/** What holds for either of two, of which one may not be known yet. */
export function either(a: TensorFacts | undefined, b: TensorFacts | undefined): TensorFacts | undefined {
  return a === undefined || b === undefined ? (a ?? b) : join(a, b);
}

/** A result that depends on which branch was taken, or how often a loop ran. */
export function asValue({ rank, counted, rows }: TensorFacts): TensorFacts {
  return { rank, counted, isValue: true, ...(rows === undefined ? {} : { rows }) };
}
