import { fromBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { WireError, type WireField, WireFile } from './wire-file.ts';

type Message = 'model' | 'graph' | 'node' | 'attribute' | 'tensor';

/**
 * Where, by field number, a message of onnx.proto holds messages on the way to weights: initializers and
 * `Constant` nodes.
 */
const BELOW: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 11: 'graph' },
  tensor: {},
};

/** Fields of a tensor. */
const FLOAT_DATA = 4;
const RAW_DATA = 9;
const DOUBLE_DATA = 10;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;

const EXTERNAL = 1;

/** Packed floats lie in a file as raw data does; other numbers are encoded one by one, and stay. */
const MOVABLE: ReadonlySet<number> = new Set([FLOAT_DATA, RAW_DATA, DOUBLE_DATA]);

/** Smaller tensors stay: shapes and axes, which a runtime wants to read before it runs anything. */
const MOVED_BYTES = 64 << 10;

/** Graphs in attributes of nodes of graphs: deeper than any exporter nests them is a file that means harm. */
const DEEPEST = 64;

/**
 * A model file without its weights: the same model, whose weights are said to lie in another file, at the
 * place where this very file has them. A runtime maps what lies in other files instead of copying it.
 *
 * @param location what to call the file there
 * @throws WireError for what is no whole protobuf message
 */
export function skeletonOf(path: string, location: string): Uint8Array {
  const file = new WireFile(path);
  try {
    return Buffer.concat(withoutWeights(file, 'model', 0, file.sizeBytes, location, 0));
  } finally {
    file.close();
  }
}

function withoutWeights(
  file: WireFile,
  message: Message,
  start: number,
  end: number,
  location: string,
  depth: number,
): Uint8Array[] {
  if (depth > DEEPEST) throw new WireError('nested too deep');
  const parts: Uint8Array[] = [];
  let copied = start;
  const replace = ({ begin, end: next }: WireField, by: readonly Uint8Array[]) => {
    if (copied < begin) parts.push(file.bytes(copied, begin));
    parts.push(...by);
    copied = next;
  };
  const moved = message === 'tensor' ? movedField(file, start, end) : undefined;
  for (const field of file.fields(start, end)) {
    const below = field.isBytes ? BELOW[message][field.number] : undefined;
    if (below !== undefined) {
      const inner = withoutWeights(file, below, field.start, field.end, location, depth + 1);
      replace(field, lengthDelimited(field.number, inner));
    } else if (field.begin === moved?.begin) {
      replace(field, [externalData(location, field)]);
    }
  }
  if (copied < end) parts.push(file.bytes(copied, end));
  return parts;
}

/** Where a tensor has its data, if that is large. An encoder may cut it into pieces: then it stays. */
function movedField(file: WireFile, start: number, end: number): WireField | undefined {
  const data = [...file.fields(start, end)].filter(({ number, isBytes }) => isBytes && MOVABLE.has(number));
  const [only] = data;
  return only !== undefined && data.length === 1 && only.end - only.start >= MOVED_BYTES ? only : undefined;
}

/** The fields of a tensor that say where its data is. */
function externalData(location: string, { start, end }: WireField): Uint8Array {
  const writer = new BinaryWriter();
  for (const [key, value] of Object.entries({ location, offset: start, length: end - start })) {
    writer.tag(EXTERNAL_DATA, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    writer.tag(2, WireType.LengthDelimited).string(String(value)).join();
  }
  return writer.tag(DATA_LOCATION, WireType.Varint).int32(EXTERNAL).finish();
}

function lengthDelimited(number: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return [new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish(), ...parts];
}

/**
 * Decodes a model file without the data of large weights.
 *
 * @throws WireError for a file that is not a complete protobuf message
 */
export function readModelProto(path: string): ModelProto {
  return fromBinary(ModelProtoSchema, skeletonOf(path, 'weights'));
}
