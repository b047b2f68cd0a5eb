import { unknown } from '../../batch-axes/counts/axes.ts';
import { anyCounted, type Operands, plain, type TensorFacts } from '../../batch-axes/counts/facts.ts';
import { combined, withRows } from '../../batch-axes/counts/row-rules.ts';
import { along, NO_ROWS, whyMixed } from '../../batch-axes/counts/rows.ts';
import { type Step, settle } from '../../batch-axes/counts/settle.ts';
import { type Callee, CONTROL_FLOW, FRAMES } from './control-flow.ts';
import type { GraphFunction, GraphNode, Topology } from './graph-json.ts';
import { NORMALISING } from './mixing/normalising.ts';
import { PLACING } from './mixing/placing.ts';
import { PRODUCTS } from './mixing/products.ts';
import { RULES } from './rules/index.ts';
import { type RowRule, TfNode } from './tf-node.ts';

/** Output names of operators with several outputs: functions refer to outputs by name. */
const OUTPUT_NAMES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    NonMaxSuppressionV4: ['selected_indices', 'valid_outputs'],
    NonMaxSuppressionV5: ['selected_indices', 'selected_scores', 'valid_outputs'],
    TopKV2: ['values', 'indices'],
    Unique: ['y', 'idx'],
    UniqueV2: ['y', 'idx'],
    ListDiff: ['out', 'idx'],
  }),
);

const INPUTS: ReadonlySet<string> = new Set(['Placeholder', 'PlaceholderWithDefault']);

const ROW_RULES: ReadonlyMap<string, RowRule> = new Map(
  Object.entries({ ...PRODUCTS, ...NORMALISING, ...PLACING }),
);

/** Facts about a weight, by name. */
export type Weights = (name: string) => TensorFacts | undefined;

/** Where the rows of an input lie, by the name of its node. */
export type InputRows = (name: string) => number | null;

/** Derives facts about tensors of a TensorFlow graph from its nodes and functions. */
export class GraphFacts {
  readonly #topology: Topology;
  readonly #weights: Weights;
  readonly #axisOf: InputRows;
  readonly #functions: ReadonlyMap<string, GraphFunction>;
  #countsValues = false;

  constructor(topology: Topology, weights: Weights, axisOf: InputRows = () => null) {
    this.#axisOf = axisOf;
    this.#topology = topology;
    this.#weights = weights;
    this.#functions = new Map(topology.library?.function.map((each) => [each.signature.name, each]));
  }

  /** Whether the size of any tensor depends on values; known after {@link of}. */
  get countsValues(): boolean {
    return this.#countsValues;
  }

  /** @param tensors references such as `node` or `node:1` */
  of(tensors: readonly string[]): ReadonlyMap<string, TensorFacts> {
    const { node } = this.#topology;
    const known = new Map<string, TensorFacts>();
    const nameOf = this.#settle(node, known, tensors);
    return new Map(
      tensors.flatMap((tensor) => {
        const facts = known.get(nameOf(tensor));
        return facts === undefined ? [] : [[tensor, facts] as const];
      }),
    );
  }

  /** Returns the key in `known` for a reference to a tensor. */
  #settle(
    nodes: readonly GraphNode[],
    known: Map<string, TensorFacts>,
    asked: readonly string[],
  ): (reference: string) => string {
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const nameOf = (reference: string): string => tensorName(reference, byName);
    const mostOutputs = new Map<string, number>();
    for (const reference of [...nodes.flatMap(operandsOf), ...asked]) {
      const [name, index] = split(nameOf(reference));
      mostOutputs.set(name, Math.max(mostOutputs.get(name) ?? 0, index));
    }
    settle(
      nodes.map((node) => this.#step(node, known, nameOf, 1 + (mostOutputs.get(node.name) ?? 0))),
      known,
    );
    return nameOf;
  }

  #step(
    node: GraphNode,
    known: ReadonlyMap<string, TensorFacts>,
    nameOf: (reference: string) => string,
    outputs: number,
  ): Step {
    const reads = operandsOf(node).map(nameOf);
    const evaluate = (): Operands => {
      const operands = reads.map((name) => known.get(name));
      const isReady = node.op === 'Merge' ? operands.some(Boolean) : operands.every(Boolean);
      const facts = isReady ? this.#evaluate(new TfNode(node, operands), outputs) : [];
      this.#countsValues ||= anyCounted(facts);
      return facts;
    };
    return { reads, gives: Array.from({ length: outputs }, (_, index) => `${node.name}:${index}`), evaluate };
  }

  #evaluate(node: TfNode, outputs: number): Operands {
    const { op, name } = node.json;
    if (op === 'Const') return [this.#weights(name) ?? plain(undefined, false)];
    if (INPUTS.has(op)) {
      const axis = this.#axisOf(name);
      return [{ ...plain(rankOf(node), true), rows: axis === null ? NO_ROWS : along(axis) }];
    }
    const control = CONTROL_FLOW.get(op);
    if (control !== undefined) return control(node, (attribute) => this.#callee(node, attribute));
    const facts = RULES.get(op)?.(node) ?? unknown(node.operands);
    const all = 'length' in facts ? facts : Array.from({ length: outputs }, () => facts);
    if (Object.hasOwn(FRAMES, op)) return all;
    return withRows(all, ROW_RULES.get(op)?.(node, all, whyMixed(op)) ?? combined(node.operands));
  }

  #callee(node: TfNode, attribute: string): Callee {
    const called = this.#functions.get(node.attribute(attribute)?.func?.name ?? '');
    if (called === undefined) return (inputs) => [{ ...unknown(inputs), rows: combined(inputs) }];
    const { signature, nodeDef, ret } = called;
    return (inputs) => {
      const known = new Map<string, TensorFacts>();
      for (const [index, { name }] of signature.inputArg.entries()) {
        const facts = inputs[index];
        if (facts !== undefined) known.set(`${name}:0`, facts);
      }
      const given = signature.outputArg.map(({ name }) => ret[name] ?? name);
      const nameOf = this.#settle(nodeDef, known, given);
      return given.map((reference) => known.get(nameOf(reference)));
    };
  }
}

/** The inputs without control dependencies. */
function operandsOf({ input }: GraphNode): string[] {
  return input.filter((reference) => !reference.startsWith('^'));
}

/** Resolves `node`, `node:1` and, in functions, `node:output:0`. */
function tensorName(reference: string, nodes: ReadonlyMap<string, GraphNode>): string {
  const [name, ...path] = reference.split(':') as [string, ...string[]];
  const index = Number(path.at(-1) ?? 0);
  const named = path.length < 2 ? -1 : (OUTPUT_NAMES.get(nodes.get(name)?.op ?? '')?.indexOf(path[0]!) ?? -1);
  return `${name}:${named < 0 ? index : named}`;
}

function split(tensor: string): [name: string, index: number] {
  const at = tensor.lastIndexOf(':');
  return [tensor.slice(0, at), Number(tensor.slice(at + 1))];
}

function rankOf(node: TfNode): number | undefined {
  const shape = node.attribute('shape')?.shape;
  return shape === undefined || shape.unknownRank === true ? undefined : (shape.dim ?? []).length;
}
