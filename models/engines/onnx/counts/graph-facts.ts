import type { FunctionProto, GraphProto, ModelProto, NodeProto } from 'onnx-buf';
import type { AxisGuess } from '../../batch-axes/axis-guesses.ts';
import { unknown } from '../../batch-axes/counts/axes.ts';
import {
  anyCounted,
  hasCountedAxis,
  type Operands,
  type TensorFacts,
} from '../../batch-axes/counts/facts.ts';
import { combined, withRows } from '../../batch-axes/counts/row-rules.ts';
import { rowsOf, whyMixed } from '../../batch-axes/counts/rows.ts';
import { type Step, settle } from '../../batch-axes/counts/settle.ts';
import type { GraphEvidence } from '../../batch-axes/evidence.ts';
import { readModelProto } from '../skeleton.ts';
import { outputName } from '../tensor-outputs.ts';
import { constant, fedInput } from './constants.ts';
import { type Body, CONTROL_FLOW } from './control-flow.ts';
import { exactnessOf } from './exactness.ts';
import { NORMALISING } from './mixing/normalising.ts';
import { PLACING } from './mixing/placing.ts';
import { PRODUCTS } from './mixing/products.ts';
import { type Bindings, OnnxNode, type RowRule } from './onnx-node.ts';
import { RULES } from './rules/index.ts';

const NO_BINDINGS: Bindings = new Map();

const ROW_RULES: ReadonlyMap<string, RowRule> = new Map(
  Object.entries({ ...PRODUCTS, ...NORMALISING, ...PLACING }),
);

/** The runtime's own operators do the same as standard ones of the same name. */
const KNOWN_DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'com.microsoft']);

/** Facts about the tensors of a graph and, in a subgraph, of the graphs around it. */
class Scope {
  readonly known = new Map<string, TensorFacts>();
  readonly #around: Scope | undefined;

  constructor(around?: Scope) {
    this.#around = around;
  }

  find(name: string): TensorFacts | undefined {
    return this.known.get(name) ?? this.#around?.find(name);
  }
}

/** Derives facts about a model's outputs from its graph, subgraphs and local functions. */
export class GraphFacts {
  readonly #graph: GraphProto;
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #opset: number;
  #countsValues = false;

  constructor(model: ModelProto) {
    this.#graph = model.graph!;
    this.#opset = Number(model.opsetImport.find(({ domain }) => isStandard(domain))?.version ?? 1n);
    this.#functions = new Map(
      model.functions.map((each) => [keyOf(each.domain, each.name, each.overload), each]),
    );
  }

  /** Whether the size of any tensor depends on values; known after {@link outputs}. */
  get countsValues(): boolean {
    return this.#countsValues;
  }

  /** By name. @param axisOf where the rows of an input lie */
  outputs(axisOf: (input: string) => number | null): ReadonlyMap<string, TensorFacts> {
    const scope = new Scope();
    for (const input of this.#graph.input) {
      scope.known.set(input.name, fedInput(input, axisOf(outputName(input.name))));
    }
    this.#follow(this.#graph, scope, NO_BINDINGS);
    return new Map(
      this.#graph.output.flatMap(({ name }) => {
        const facts = scope.find(name);
        return facts === undefined ? [] : [[name, facts] as const];
      }),
    );
  }

  #follow(graph: GraphProto, scope: Scope, bindings: Bindings): void {
    // An initializer that is an input, too, is a default: the runtime does not list it as an input.
    for (const tensor of graph.initializer) scope.known.set(tensor.name, constant(tensor));
    this.#settle(graph.node, scope, bindings);
  }

  #settle(nodes: readonly NodeProto[], scope: Scope, bindings: Bindings): void {
    settle(
      nodes.map((node) => this.#step(node, scope, bindings)),
      scope.known,
    );
  }

  #step(node: NodeProto, scope: Scope, bindings: Bindings): Step {
    const reads = [...node.input.filter((name) => name !== ''), ...bodiesOf(node).flatMap(captured)];
    const evaluate = (): readonly (TensorFacts | undefined)[] => {
      if (reads.some((name) => scope.find(name) === undefined)) return [];
      const operands = node.input.map((name) => (name === '' ? undefined : scope.find(name)));
      const known = new OnnxNode(node, operands, bindings, this.#opset);
      const facts = this.#evaluate(known, scope, bindings);
      this.#countsValues ||= anyCounted(facts);
      return facts;
    };
    return { reads, gives: node.output, evaluate };
  }

  #evaluate(node: OnnxNode, scope: Scope, bindings: Bindings): Operands {
    const { opType, domain, overload, output } = node.proto;
    const called = this.#functions.get(keyOf(domain, opType, overload));
    if (called !== undefined) return this.#call(called, node);
    const isKnown = KNOWN_DOMAINS.has(domain);
    const control = isKnown ? CONTROL_FLOW.get(opType) : undefined;
    if (control !== undefined) {
      return control(node, (name) => this.#body(node.attribute(name)!.g!, scope, bindings));
    }
    const told = isKnown ? RULES.get(opType)?.(node) : undefined;
    const facts = told ?? unknown(node.operands);
    const all = 'length' in facts ? facts : output.map(() => facts);
    const rule = isKnown ? ROW_RULES.get(opType) : undefined;
    return withRows(all, rule?.(node, all, whyMixed(opType)) ?? combined(node.operands));
  }

  #body(graph: GraphProto, around: Scope, bindings: Bindings): Body {
    return (inputs) => {
      const scope = new Scope(around);
      for (const [index, { name }] of graph.input.entries()) {
        const facts = inputs[index];
        if (facts !== undefined) scope.known.set(name, facts);
      }
      this.#follow(graph, scope, bindings);
      return graph.output.map(({ name }) => scope.find(name));
    };
  }

  #call({ input, output, attribute, attributeProto, node }: FunctionProto, call: OnnxNode): Operands {
    const scope = new Scope();
    for (const [index, name] of input.entries()) {
      scope.known.set(name, call.operands[index] ?? unknown([]));
    }
    const given = attribute.map((name) => [name, call.attribute(name)] as const);
    const defaults = attributeProto.map((each) => [each.name, call.attribute(each.name) ?? each] as const);
    const bindings = new Map(
      [...given, ...defaults].flatMap(([name, value]) => (value ? [[name, value] as const] : [])),
    );
    this.#settle(node, scope, bindings);
    return output.map((name) => scope.find(name));
  }
}

function isStandard(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

function keyOf(domain: string, name: string, overload: string): string {
  return [isStandard(domain) ? '' : domain, name, overload].join('\n');
}

function bodiesOf({ attribute }: NodeProto): GraphProto[] {
  return attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
}

/** Outer tensors that a subgraph reads, itself or in its own subgraphs. */
function captured(graph: GraphProto): string[] {
  const own = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  const read = [
    ...graph.node.flatMap((node) => [...node.input, ...bodiesOf(node).flatMap(captured)]),
    ...graph.output.map(({ name }) => name),
  ];
  return [...new Set(read)].filter((name) => name !== '' && !own.has(name));
}

/**
 * What the graph of an ONNX file tells about its outputs.
 *
 * @param inputs names of the inputs, in the order in which guesses have them
 */
export function graphEvidence(path: string, inputs: readonly string[] = []): GraphEvidence {
  const model = readModelProto(path);
  const graph = new GraphFacts(model);
  const outputs = graph.outputs(() => null);
  const byGuess = new Map<string, ReadonlyMap<string, TensorFacts>>();
  const underGuess = (guess: AxisGuess): ReadonlyMap<string, TensorFacts> => {
    const known = byGuess.get(guess.join());
    if (known !== undefined) return known;
    const axes = new Map(inputs.map((name, index) => [name, guess[index] ?? null]));
    const found = graph.outputs((input) => axes.get(input) ?? null);
    byGuess.set(guess.join(), found);
    return found;
  };
  return {
    countsValues: graph.countsValues,
    isCounted(output, axis) {
      const facts = outputs.get(output);
      return facts !== undefined && hasCountedAxis(facts, axis);
    },
    mixing(guess, output) {
      const rows = rowsOf(underGuess(guess).get(output));
      return rows.kind === 'mixed' ? rows.why : undefined;
    },
    ...exactnessOf(model),
  };
}
