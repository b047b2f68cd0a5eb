import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProtoSchema,
  type NodeProtoSchema,
} from 'onnx-buf';
import { tensorInfo, type ValueInfoInit } from './tiny-models.ts';

export type NodeInit = Exclude<MessageInitShape<typeof NodeProtoSchema>, { $typeName: string }>;
type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;
type GraphInit = MessageInitShape<typeof GraphProtoSchema>;

/** An attribute by its value: whole numbers, a text, or a graph inside. */
export type AttributeValue = number | readonly number[] | string | { readonly graph: GraphInit };

/** A node; names of operands and results stand in a row, `-` for one that is left out. */
export function node(
  opType: string,
  input: string,
  output: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
  domain = '',
): NodeInit {
  return {
    opType,
    domain,
    input: names(input),
    output: names(output),
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

function names(text: string): string[] {
  return text === '' ? [] : text.split(' ').map((name) => (name === '-' ? '' : name));
}

function attribute(name: string, value: AttributeValue): AttributeInit {
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string')
    return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('graph' in value) return { name, type: AttributeType.GRAPH, g: value.graph };
  return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
}

/** A graph inside a node: what it takes, what it does, and the names of what it gives. */
export function body(
  nodes: readonly NodeInit[],
  output: readonly ValueInfoInit[],
  input: readonly ValueInfoInit[] = [],
): { readonly graph: GraphInit } {
  return { graph: { name: 'body', node: [...nodes], output: [...output], input: [...input] } };
}

/** A tensor of floats in a body, whose sizes no one says. */
export function floatsOfRank(name: string, rank: number): ValueInfoInit {
  return tensorInfo(name, 'float32', new Array<string>(rank).fill(''));
}
