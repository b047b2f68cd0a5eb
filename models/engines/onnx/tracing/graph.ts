import type { AttributeProto, NodeProto } from 'onnx-buf';
import { readModelProto } from '../skeleton.ts';

/** What a model file says of a node and a trace does not. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Operators of the runtime itself are of another: `com.microsoft.nchwc`. */
  readonly domain: string;
  /** Shapes of those inputs that are weights. */
  readonly weights: readonly (readonly number[])[];
  readonly group: number;
  /** Positions of a window of a convolution or pooling, 1 for anything else. */
  readonly window: number;
}

/** The nodes of an ONNX file. Weights are not read, only their shapes. */
export function readGraph(file: string): readonly GraphNode[] {
  const { graph } = readModelProto(file);
  const shapes = new Map(graph!.initializer.map(({ name, dims }) => [name, dims.map(Number)]));
  return graph!.node.map((node) => describe(node, shapes));
}

function describe(node: NodeProto, shapes: ReadonlyMap<string, readonly number[]>): GraphNode {
  const kernel = attribute(node, 'kernel_shape')?.ints ?? [];
  return {
    name: node.name,
    op: node.opType,
    domain: node.domain,
    weights: node.input.flatMap((input) => {
      const shape = shapes.get(input);
      return shape === undefined ? [] : [shape];
    }),
    group: Number(attribute(node, 'group')?.i ?? 1),
    window: kernel.reduce((product, size) => product * Number(size), 1),
  };
}

function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((each) => each.name === name);
}
