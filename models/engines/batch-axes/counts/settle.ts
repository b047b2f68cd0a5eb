import { isSame, join, type TensorFacts } from './facts.ts';

/** A node of a graph, which derives facts about its outputs from those about what it reads. */
export interface Step {
  /** All tensors that it depends on, including those that its subgraphs capture. */
  readonly reads: readonly string[];
  /** An empty name stands for an output that is not used. */
  readonly gives: readonly string[];
  /** Facts in the order of `gives`; an empty list until the operands are known. */
  evaluate(): readonly (TensorFacts | undefined)[];
}

/** Evaluates steps, in any order, until `known` no longer changes. The graph may have cycles. */
export function settle(steps: readonly Step[], known: Map<string, TensorFacts>): void {
  const readers = new Map<string, Step[]>();
  for (const step of steps) {
    for (const name of step.reads) {
      const others = readers.get(name);
      if (others === undefined) readers.set(name, [step]);
      else others.push(step);
    }
  }
  const due = new Set(steps); // iteration visits what is added meanwhile
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
