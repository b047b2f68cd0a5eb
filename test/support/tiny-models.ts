import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import type { DType } from '../../models/manifest/tensor.ts';

type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
export type ValueInfoInit = Exclude<MessageInitShape<typeof ValueInfoProtoSchema>, { $typeName: string }>;

const ELEMENT_TYPE: Readonly<Record<DType, TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  int8: TensorProto_DataType.INT8,
  uint8: TensorProto_DataType.UINT8,
  int16: TensorProto_DataType.INT16,
  uint16: TensorProto_DataType.UINT16,
  int32: TensorProto_DataType.INT32,
  uint32: TensorProto_DataType.UINT32,
  int64: TensorProto_DataType.INT64,
  uint64: TensorProto_DataType.UINT64,
  bool: TensorProto_DataType.BOOL,
  string: TensorProto_DataType.STRING,
};

/** A graph of a few nodes. Text dimensions are free; an empty one is free without a name. */
export interface TinyGraph {
  readonly inputs: readonly ValueInfoInit[];
  readonly outputs: readonly ValueInfoInit[];
  readonly nodes: readonly NodeInit[];
  readonly weights?: readonly TensorInit[];
  readonly opset?: bigint;
  /** Operator sets beside the standard one. */
  readonly domains?: readonly string[];
}

export function tensorInfo(name: string, dtype: DType, dims: readonly (number | string)[]): ValueInfoInit {
  const dim = dims.map((size) => {
    if (typeof size === 'number') return { value: { case: 'dimValue' as const, value: BigInt(size) } };
    return size === '' ? {} : { value: { case: 'dimParam' as const, value: size } };
  });
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: ELEMENT_TYPE[dtype], shape: { dim } } } },
  };
}

export function floatWeights(name: string, dims: readonly number[], values: readonly number[]): TensorInit {
  return { name, dims: dims.map(BigInt), dataType: TensorProto_DataType.FLOAT, floatData: [...values] };
}

export function intWeights(name: string, values: readonly number[]): TensorInit {
  return {
    name,
    dims: [BigInt(values.length)],
    dataType: TensorProto_DataType.INT64,
    int64Data: values.map(BigInt),
  };
}

export function encodeTinyModel(graph: TinyGraph): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [
        { domain: '', version: graph.opset ?? 17n },
        ...(graph.domains ?? []).map((domain) => ({ domain, version: 1n })),
      ],
      graph: {
        name: 'tiny',
        input: [...graph.inputs],
        output: [...graph.outputs],
        node: [...graph.nodes],
        initializer: [...(graph.weights ?? [])],
      },
    }),
  );
}

/** A folder of model files that goes away again. */
export class ModelFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<ModelFolder> {
    return new ModelFolder(await mkdtemp(join(tmpdir(), 'infless-models-')));
  }

  async write(name: string, content: TinyGraph | Uint8Array): Promise<string> {
    const file = join(this.path, name);
    await writeFile(file, content instanceof Uint8Array ? content : encodeTinyModel(content));
    return file;
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** y = x, for any element type and shape. */
export function identityGraph(dtype: DType, dims: readonly (number | string)[]): TinyGraph {
  return {
    inputs: [tensorInfo('x', dtype, dims)],
    outputs: [tensorInfo('y', dtype, dims)],
    nodes: [{ opType: 'Identity', input: ['x'], output: ['y'] }],
  };
}

/** y = x · W with three inputs and two outputs a row: rows are independent. */
export const LINEAR: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 3])],
  outputs: [tensorInfo('y', 'float32', ['batch', 2])],
  nodes: [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }],
  weights: [floatWeights('w', [3, 2], [1, 10, 2, 20, 3, 30])],
};

/** The same with a batch of exactly four. */
export const FIXED_BATCH: TinyGraph = {
  ...LINEAR,
  inputs: [tensorInfo('x', 'float32', [4, 3])],
  outputs: [tensorInfo('y', 'float32', [4, 2])],
};

/**
 * Two inputs and two outputs; `state` and `next` carry the batch as their second axis, as recurrent nets do.
 */
export const STATEFUL: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['N', 2]), tensorInfo('state', 'float32', [3, 'N', 2])],
  outputs: [tensorInfo('y', 'float32', ['N', 2]), tensorInfo('next', 'float32', [3, 'N', 2])],
  nodes: [
    { opType: 'Add', input: ['x', 'state'], output: ['next'] },
    {
      opType: 'ReduceSum',
      input: ['next', 'first'],
      output: ['y'],
      attribute: [{ name: 'keepdims', type: 2, i: 0n }],
    },
  ],
  weights: [intWeights('first', [0])],
};

/** LINEAR with its weights in a file beside it: see {@link linearWeights}. */
export function linearWithWeightsIn(location: string): TinyGraph {
  const dims = [3n, 2n];
  const dataLocation = TensorProto_DataLocation.EXTERNAL;
  const externalData = [{ key: 'location', value: location }];
  return {
    ...LINEAR,
    weights: [{ name: 'w', dims, dataType: TensorProto_DataType.FLOAT, dataLocation, externalData }],
  };
}

/** The bytes of its weights, `factor` times those of LINEAR. */
export function linearWeights(factor = 1): Uint8Array {
  return new Uint8Array(Float32Array.from([1, 10, 2, 20, 3, 30], (value) => value * factor).buffer);
}
