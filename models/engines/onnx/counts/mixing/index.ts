import type { TensorFacts } from '../../../batch-axes/counts/facts.ts';
import { combined } from '../../../batch-axes/counts/row-rules.ts';
import type { OnnxNode, RowRule } from '../onnx-node.ts';
import { NORMALISING } from './normalising.ts';
import { PLACING } from './placing.ts';
import { PRODUCTS } from './products.ts';

const RULES: ReadonlyMap<string, RowRule> = new Map(
  Object.entries({ ...PRODUCTS, ...NORMALISING, ...PLACING }),
);

/**
 * The outputs of a node with the rows that they depend on.
 *
 * @param isKnown whether its operator is of a set of operators that rules are about
 */
export function withRows(node: OnnxNode, facts: readonly TensorFacts[], isKnown: boolean): TensorFacts[] {
  const { opType } = node.proto;
  const rule = isKnown ? RULES.get(opType) : undefined;
  const rows = rule?.(node, facts, whyMixed(opType)) ?? combined(node.operands);
  return facts.map((each, index) => ({ ...each, rows: 'kind' in rows ? rows : rows[index]! }));
}

/** What to say of an operator that mixes rows. */
export function whyMixed(operator: string): string {
  return `the operator ${operator} makes one number of several rows`;
}
