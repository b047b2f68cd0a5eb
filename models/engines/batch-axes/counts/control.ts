import { isSame, join, type Operands, type TensorFacts } from './facts.ts';
import { combined } from './row-rules.ts';
import { mixed, type Rows } from './rows.ts';

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

/** The rows of results that are as they are by values of several rows; undefined where none decides. */
export function decidedBy(operator: string, operands: Operands): Rows | undefined {
  const { kind } = combined(operands);
  if (kind === 'none' || kind === 'one') return undefined;
  return mixed(`values of several rows decide what the operator ${operator} does`);
}

/** A result, where values of several rows decide which it is. */
export function ruledBy(decided: Rows | undefined, each: TensorFacts): TensorFacts {
  return decided === undefined ? each : { ...each, rows: decided };
}
