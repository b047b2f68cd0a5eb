import type { AttributeProto, NodeProto } from 'onnx-buf';
import { type Operands, plain, type TensorFacts } from '../../batch-axes/counts/facts.ts';
import type { Rows } from '../../batch-axes/counts/rows.ts';

/** Attributes of a function call, by name. */
export type Bindings = ReadonlyMap<string, AttributeProto>;

/** A node with the facts about its operands. */
export class OnnxNode {
  readonly operands: Operands;
  readonly proto: NodeProto;
  /** Version of the standard operators. */
  readonly opset: number;
  readonly #bindings: Bindings;

  constructor(proto: NodeProto, operands: Operands, bindings: Bindings, opset: number) {
    this.proto = proto;
    this.opset = opset;
    this.operands = operands;
    this.#bindings = bindings;
  }

  /** The operands without absent ones. */
  get given(): readonly TensorFacts[] {
    return this.operands.filter((each) => each !== undefined);
  }

  has(place: number): boolean {
    return this.operands[place] !== undefined;
  }

  /** An absent operand depends on nothing. */
  operand(place: number): TensorFacts {
    return this.operands[place] ?? plain(undefined, false);
  }

  attribute(name: string): AttributeProto | undefined {
    const found = this.proto.attribute.find((each) => each.name === name);
    return found === undefined || found.refAttrName === '' ? found : this.#bindings.get(found.refAttrName);
  }

  int(name: string, otherwise: number): number {
    const attribute = this.attribute(name);
    return attribute === undefined ? otherwise : Number(attribute.i);
  }

  ints(name: string): readonly number[] | undefined {
    return this.attribute(name)?.ints.map(Number);
  }

  text(name: string): string {
    return new TextDecoder().decode(this.attribute(name)?.s);
  }

  /** Whether a parameter is given: older opsets have attributes where newer ones have operands. */
  isGiven(name: string, place: number): boolean {
    return this.has(place) || this.attribute(name) !== undefined;
  }

  /** The numbers of such a parameter; undefined where they are not known. */
  numbers(name: string, place: number): readonly number[] | undefined {
    const { elements } = this.operand(place);
    if (!this.has(place)) return this.ints(name);
    return elements?.every((each) => typeof each === 'number') ? elements : undefined;
  }

  /** Such a parameter as a vector. */
  vector(name: string, place: number): TensorFacts | undefined {
    if (this.has(place)) return this.operand(place);
    const elements = this.ints(name);
    return elements === undefined ? undefined : { ...plain(1, false), elements };
  }
}

/** Derives a node's outputs from its operands: one result for all outputs, or one for each. */
export type Rule = (node: OnnxNode) => TensorFacts | readonly TensorFacts[];

export type Rules = Readonly<Record<string, Rule>>;

/**
 * Derives which rows the outputs of a node depend on: one result for all outputs, or one for each.
 *
 * @param facts what is known of the outputs otherwise
 * @param why what to say where rows are mixed
 */
export type RowRule = (node: OnnxNode, facts: readonly TensorFacts[], why: string) => Rows | readonly Rows[];
