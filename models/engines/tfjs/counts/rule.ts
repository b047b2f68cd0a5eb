import type { Operands, TensorFacts } from '../../batch-axes/counts/facts.ts';
import type { TfNode } from './tf-node.ts';

/** Derives a node's outputs from its operands: one result for all outputs, or one for each. */
export type Rule = (node: TfNode) => TensorFacts | Operands;

export type Rules = Readonly<Record<string, Rule>>;

/** The same rule for several operators. @param names separated by white space */
export function forAll(names: string, rule: Rule): Rules {
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, rule]),
  );
}
