import { isSame, join, type TensorFacts } from './facts.ts';

/** One node of a graph: what it tells of its outputs, by what is known of what it reads. */
export interface Step {
  /** Tensors whose facts it looks at, those that graphs inside it use as well. */
  readonly reads: readonly string[];
  /** An empty name is an output that nobody reads. */
  readonly gives: readonly string[];
  /** Facts in the order of `gives`; none, or too few, while too little is known. */
  evaluate(): readonly (TensorFacts | undefined)[];
}

/** Adds to `known` what the steps tell, in whatever order they stand, until nothing new comes: a graph may have cycles. */
export function settle(steps: readonly Step[], known: Map<string, TensorFacts>): void {
  const readers = new Map<string, Step[]>();
  for (const step of steps) {
    for (const name of step.reads) {
      const others = readers.get(name);
      if (others === undefined) readers.set(name, [step]);
      else others.push(step);
    }
  }
  const due = new Set(steps); // it is walked through in order, and what is added meanwhile comes last
  for (const step of due) {
    due.delete(step);
    for (const [index, facts] of step.evaluate().entries()) {
      const name = step.gives[index];
      if (facts === undefined || name === undefined || name === '') continue;
      const before = known.get(name);
      const after = before === undefined ? facts : join(before, facts);
      if (before !== undefined && isSame(before, after)) continue;
      known.set(name, after);
      for (const reader of readers.get(name) ?? []) due.add(reader);
    }
  }
}
