import { type Operands, plain, type TensorFacts } from '../../batch-axes/counts/facts.ts';
import type { Rows } from '../../batch-axes/counts/rows.ts';
import type { Attribute, GraphNode } from './graph-json.ts';

/** A node with the facts about its operands. */
export class TfNode {
  readonly operands: Operands;
  readonly json: GraphNode;

  constructor(json: GraphNode, operands: Operands) {
    this.json = json;
    this.operands = operands;
  }

  get given(): readonly TensorFacts[] {
    return this.operands.filter((each) => each !== undefined);
  }

  /** An absent operand depends on nothing. @param place negative: from the end */
  operand(place: number): TensorFacts {
    return this.operands.at(place) ?? plain(undefined, false);
  }

  attribute(name: string): Attribute | undefined {
    return Object.hasOwn(this.json.attr, name) ? this.json.attr[name] : undefined;
  }

  int(name: string, otherwise: number): number {
    return this.attribute(name)?.i ?? otherwise;
  }

  flag(name: string): boolean {
    return this.attribute(name)?.b ?? false;
  }

  text(name: string): string {
    return Buffer.from(this.attribute(name)?.s ?? '', 'base64').toString();
  }

  ints(name: string): readonly number[] | undefined {
    return this.attribute(name)?.list?.i;
  }

  /** The elements of an operand; undefined where they are not known. */
  numbers(place: number): readonly number[] | undefined {
    const { elements } = this.operand(place);
    return elements?.every((each) => typeof each === 'number') ? elements : undefined;
  }
}

/** Derives a node's outputs from its operands: one result for all outputs, or one for each. */
export type Rule = (node: TfNode) => TensorFacts | Operands;

export type Rules = Readonly<Record<string, Rule>>;

/**
 * Derives which rows the outputs of a node depend on: one result for all outputs, or one for each.
 *
 * @param facts what is known of the outputs otherwise
 * @param why what to say where rows are mixed
 */
export type RowRule = (node: TfNode, facts: Operands, why: string) => Rows | readonly Rows[];
