import type { Operands, TensorFacts } from '../../../counts/facts.ts';
import type { TfNode } from '../tf-node.ts';

/** What a node's outputs are, by what its operands are: the same for all of them, or one after the other. */
export type Rule = (node: TfNode) => TensorFacts | Operands;

export type Rules = Readonly<Record<string, Rule>>;

/** One rule for several operators, whose names stand in a row. */
export function each(names: string, rule: Rule): Rules {
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, rule]),
  );
}
