import { create, type DescField, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';

/** Opset 17 (2022) is the newest that every runtime in use reads; IR 8 is the file version of its time. */
const OPSET = 17n;
const IR_VERSION = 8n;

export type ElementType = 'float32' | 'int64';

/** The axis whose size the caller chooses. Every input and output of a zoo model has it. */
export const BATCH = 'batch';
export type Dimension = number | typeof BATCH;

/** ONNX tells 1 from 1.0 by the attribute's type, JavaScript does not: a float says so. */
export type Attribute = number | readonly number[] | { readonly float: number } | TensorProto;

const DATA_TYPE = {
  float32: TensorProto_DataType.FLOAT,
  int64: TensorProto_DataType.INT64,
} as const satisfies Record<ElementType, TensorProto_DataType>;

/** An array under the name by which nodes refer to it; attributes need none. */
export interface NamedArray {
  readonly name?: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
}

/**
 * The bytes of a model file. The same graph gives the same bytes on every machine.
 *
 * The weights, up to 100 MB, are copied once, straight to their place: an encoder that grows its buffer and
 * moves each message behind its length holds them four times over.
 */
export function encodeModel(graph: GraphProto, weights: readonly NamedArray[]): Uint8Array {
  const header = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'infless',
    opsetImport: [{ version: OPSET }],
  });
  const initializers = weights.flatMap((weight) =>
    field(GraphProtoSchema.field.initializer, tensorParts(weight)),
  );
  const graphParts = [toBinary(GraphProtoSchema, graph), ...initializers];
  return Buffer.concat([
    toBinary(ModelProtoSchema, header),
    ...field(ModelProtoSchema.field.graph, graphParts),
  ]);
}

function tensorParts(array: NamedArray): Uint8Array[] {
  const data = field(TensorProtoSchema.field.rawData, [bytesOf(array)]);
  return [toBinary(TensorProtoSchema, tensorHeader(array)), ...data];
}

/** A field of a message from the parts of its content: the key, the length, the parts. */
function field({ number }: DescField, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return [new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish(), ...parts];
}

/** A tensor as the value of an attribute. */
export function tensorProto(array: NamedArray): TensorProto {
  return Object.assign(tensorHeader(array), { rawData: bytesOf(array) });
}

function tensorHeader({ name = '', shape, data }: NamedArray): TensorProto {
  const dataType = data instanceof Float32Array ? DATA_TYPE.float32 : DATA_TYPE.int64;
  return create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType });
}

/** ONNX raw data is little-endian, as is every platform that Node.js runs inference on. */
function bytesOf({ data }: NamedArray): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export function attributeProto(name: string, value: Attribute): AttributeProto {
  const { INT, INTS, FLOAT, TENSOR } = AttributeProto_AttributeType;
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: INT, i: BigInt(value) });
  if (isList(value)) return create(AttributeProtoSchema, { name, type: INTS, ints: value.map(BigInt) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: TENSOR, t: value });
}

// Array.isArray does not narrow readonly arrays out of a union.
function isList(value: Attribute): value is readonly number[] {
  return Array.isArray(value);
}

/** Declares an input or output of the graph. */
export function valueInfoProto(
  name: string,
  elementType: ElementType,
  shape: readonly Dimension[],
): ValueInfoProto {
  const dim = shape.map((size) => ({
    value:
      size === BATCH
        ? { case: 'dimParam' as const, value: size }
        : { case: 'dimValue' as const, value: BigInt(size) },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: DATA_TYPE[elementType], shape: { dim } } } },
  });
}
