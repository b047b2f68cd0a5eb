import { create } from '@bufbuild/protobuf';
import { GraphProtoSchema, type NodeProto, NodeProtoSchema, type ValueInfoProto } from 'onnx-buf';
import { seededRandom } from '../base/random.ts';
import { elementCount } from '../manifest/tensor.ts';
import {
  type Attribute,
  attributeProto,
  BATCH,
  type Dimension,
  type ElementType,
  encodeModel,
  type NamedArray,
  tensorProto,
  valueInfoProto,
} from './encode.ts';
import type { InitialValues } from './initial-values.ts';

/** A tensor that flows through a graph: its name and its shape, known but for the batch. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly shape: readonly Dimension[];
}

/** Any fixed number: the weights have to be the same whenever and wherever a model is built. */
const SEED = 1;

/**
 * Writes an ONNX graph node by node. It knows names, weights and bytes; the layers that networks are made of,
 * functions from values to a value, are in `layers/`.
 *
 * Weights are initializers and all other numbers `Constant` nodes, so that the initializers of a file are
 * exactly its parameters.
 */
export class Graph {
  readonly #name: string;
  readonly #random = seededRandom(SEED);
  readonly #nodes: NodeProto[] = [];
  readonly #weights: NamedArray[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #counts = new Map<string, number>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Declares an input of `rowShape` a row. */
  input(name: string, elementType: ElementType, rowShape: readonly number[]): Value {
    const shape = [BATCH, ...rowShape] as const;
    this.#inputs.push(valueInfoProto(name, elementType, shape));
    return { graph: this, name, shape };
  }

  /** Declares `value` an output, under a name a client can rely on. */
  output(name: string, value: Value): void {
    this.#nodes.push(
      create(NodeProtoSchema, { name, opType: 'Identity', input: [value.name], output: [name] }),
    );
    this.#outputs.push(valueInfoProto(name, 'float32', value.shape));
  }

  /**
   * Appends one operator.
   *
   * @param shape of the result; the caller knows the operator's rule
   * @param outputIndex which of the operator's outputs is wanted, where it has several
   */
  node(
    opType: string,
    inputs: readonly Value[],
    shape: readonly Dimension[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputIndex = 0,
  ): Value {
    const name = this.#unique(opType);
    const skipped = new Array<string>(outputIndex).fill('');
    this.#nodes.push(
      create(NodeProtoSchema, {
        name,
        opType,
        input: inputs.map((input) => input.name),
        output: [...skipped, name],
        attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
      }),
    );
    return { graph: this, name, shape };
  }

  /** Parameters: what training would have found. */
  weight(role: string, shape: readonly number[], initialValues: InitialValues): Value {
    const name = this.#unique(role);
    this.#weights.push({ name, shape, data: initialValues(this.#random, elementCount(shape)) });
    return { graph: this, name, shape };
  }

  /** Numbers that belong to the structure: bounds, anchors. */
  constant(shape: readonly number[], values: readonly number[]): Value {
    return this.node('Constant', [], shape, {
      value: tensorProto({ shape, data: Float32Array.from(values) }),
    });
  }

  /** A list of axes, sizes or positions, which newer operators take as an input. */
  integers(values: readonly number[]): Value {
    const tensor = tensorProto({ shape: [values.length], data: BigInt64Array.from(values, BigInt) });
    return this.node('Constant', [], [values.length], { value: tensor });
  }

  /** The bytes of the ONNX file. */
  encode(): Uint8Array {
    const graph = create(GraphProtoSchema, {
      name: this.#name,
      node: this.#nodes,
      input: this.#inputs,
      output: this.#outputs,
    });
    return encodeModel(graph, this.#weights);
  }

  #unique(kind: string): string {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return `${kind.toLowerCase()}_${count}`;
  }
}

/** A network of the paper's evaluation that we can build: its true layers with random weights. */
export interface ZooModel {
  /** As it is written on the command line: `resnet-50`. */
  readonly name: string;
  /** One line: which network, what goes in, what comes out. */
  readonly description: string;
  /** What the paper's tables call it. */
  readonly paperName: string;
  /**
   * Part of the file's name: raise it with every change to the graph, or old caches keep serving the old one.
   */
  readonly version: number;
  /** The size of the file, by which an incomplete one is told. */
  readonly sizeBytes: number;
  /** Adds inputs, layers and outputs to an empty graph. */
  build(graph: Graph): void;
}
