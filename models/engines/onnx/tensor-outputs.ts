import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import type { ClassName } from '../../manifest/manifest.ts';
import { readModelProto } from './skeleton.ts';
import { type WireField, WireFile } from './wire-file.ts';

/** Field numbers of onnx.proto. */
const GRAPH = 7;
const NODE = 1;
const OUTPUT = 12;
const TYPE = 2;
const SEQUENCE = 4;

const PROTOTYPE = '__proto__';

/** What such an output is called where the runtime runs it. */
const STAND_IN = '__proto__.output';

/** What an output of the runtime's is called in the model. */
export function outputName(name: string): string {
  return name === STAND_IN ? PROTOTYPE : name;
}

/** A model whose outputs are tensors that can be told apart, made of one where they are not. */
export interface TensorOutputs {
  readonly bytes: Uint8Array;
  /** By output: what its columns are the scores of. */
  readonly classes: ReadonlyMap<string, readonly ClassName[]>;
}

/**
 * Exporters of classifiers (skl2onnx, onnxmltools) put a `ZipMap` at the end of the graph: it makes of scores
 * in a tensor of rows × classes a list of maps from class to score, which no one can batch or send. Here the
 * output is the tensor, under the name of the output. All other bytes are as they were: trees may be large.
 *
 * An output called `__proto__` gets another name, {@link outputName} has its own: the runtime's binding sets
 * keys of plain objects.
 *
 * @returns undefined where the model is fine as it is, or no whole model
 */
export function withTensorOutputs(path: string): TensorOutputs | undefined {
  let file: WireFile | undefined;
  try {
    file = new WireFile(path);
    const graph = [...file.fields(0, file.sizeBytes)].find(
      (field) => field.number === GRAPH && field.isBytes,
    );
    if (graph === undefined) return undefined;
    const fields = [...file.fields(graph.start, graph.end)];
    const open = file;
    const outputs = fields.filter(({ number, isBytes }) => number === OUTPUT && isBytes);
    const special = outputs.filter((field) => isSequence(open, field) || isPrototype(open, field));
    if (special.length === 0) return undefined;
    const replaced = new Map<WireField, Uint8Array>();
    const classes = new Map<string, readonly ClassName[]>();
    const maps = new Map(zipMaps(file, fields).map((each) => [each.node.output[0], each]));
    for (const output of special) {
      const value = fromBinary(ValueInfoProtoSchema, file.bytes(output.start, output.end));
      const map = maps.get(value.name);
      if (map !== undefined) {
        const columns = classesOf(map.node);
        classes.set(value.name, columns);
        replaced.set(map.field, encodedNode(identity(map.node)));
        value.type = scores(columns.length);
      }
      replaced.set(output, value.name === PROTOTYPE ? renamed(value) : encodedOutput(value));
    }
    if (replaced.size === 0) return undefined;
    const inner = replacing(file, graph, replaced);
    const bytes = replacing(
      file,
      { start: 0, end: file.sizeBytes },
      new Map([[graph, delimited(GRAPH, inner)]]),
    );
    return { bytes, classes };
  } catch {
    return undefined; // the runtime tells what is wrong with the file
  } finally {
    file?.close();
  }
}

function isSequence(file: WireFile, output: WireField): boolean {
  const type = [...file.fields(output.start, output.end)].find(
    ({ number, isBytes }) => number === TYPE && isBytes,
  );
  return (
    type !== undefined && [...file.fields(type.start, type.end)].some(({ number }) => number === SEQUENCE)
  );
}

const NAME = 1;

function isPrototype(file: WireFile, output: WireField): boolean {
  const name = [...file.fields(output.start, output.end)].find(
    ({ number, isBytes }) => number === NAME && isBytes,
  );
  return name !== undefined && file.text(name) === PROTOTYPE;
}

function zipMaps(file: WireFile, fields: readonly WireField[]): { field: WireField; node: NodeProto }[] {
  return fields
    .filter(({ number, isBytes, start, end }) => number === NODE && isBytes && isZipMap(file, start, end))
    .map((field) => ({ field, node: fromBinary(NodeProtoSchema, file.bytes(field.start, field.end)) }));
}

const OP_TYPE = 4;

function isZipMap(file: WireFile, start: number, end: number): boolean {
  const type = [...file.fields(start, end)].find(({ number, isBytes }) => number === OP_TYPE && isBytes);
  return type !== undefined && file.text(type) === 'ZipMap';
}

function classesOf({ attribute }: NodeProto): readonly ClassName[] {
  const { strings = [], ints = [] } = attribute.find(({ name }) => name.startsWith('classlabels_')) ?? {};
  return strings.length > 0 ? strings.map((text) => Buffer.from(text).toString('utf8')) : ints.map(Number);
}

function identity({ name, input, output }: Pick<NodeProto, 'name' | 'input' | 'output'>): NodeProto {
  return create(NodeProtoSchema, { name, input, output, opType: 'Identity' });
}

function renamed(value: ValueInfoProto): Uint8Array {
  const node = identity({ name: '', input: [PROTOTYPE], output: [STAND_IN] });
  return Buffer.concat([encodedNode(node), encodedOutput({ ...value, name: STAND_IN })]);
}

function encodedNode(node: NodeProto): Uint8Array {
  return delimited(NODE, toBinary(NodeProtoSchema, node));
}

function encodedOutput(value: ValueInfoProto): Uint8Array {
  return delimited(OUTPUT, toBinary(ValueInfoProtoSchema, value));
}

/** Any number of rows, as `ZipMap` takes them. */
function scores(columns: number): TypeProto {
  const dim = [{}, { value: { case: 'dimValue' as const, value: BigInt(columns) } }];
  return create(TypeProtoSchema, {
    value: { case: 'tensorType', value: { elemType: TensorProto_DataType.FLOAT, shape: { dim } } },
  });
}

function replacing(
  file: WireFile,
  { start, end }: Pick<WireField, 'start' | 'end'>,
  by: ReadonlyMap<WireField, Uint8Array>,
): Uint8Array {
  const parts: Uint8Array[] = [];
  let copied = start;
  for (const [field, bytes] of [...by].sort(([a], [b]) => a.begin - b.begin)) {
    parts.push(file.bytes(copied, field.begin), bytes);
    copied = field.end;
  }
  return Buffer.concat([...parts, file.bytes(copied, end)]);
}

function delimited(number: number, content: Uint8Array): Uint8Array {
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(content.byteLength).finish();
  return Buffer.concat([head, content]);
}

/** How a value that is no tensor is called in a sentence, and how to export the model without it. */
const WITHOUT_TENSOR: Partial<Record<NonNullable<TypeProto['value']['case']>, readonly [string, string]>> = {
  sequenceType: [
    'is a sequence',
    'Export the model with tensors only: options={"zipmap": False} with skl2onnx, zipmap=False with onnxmltools; make one tensor of a sequence with ConcatFromSequence.',
  ],
  mapType: [
    'is a map',
    'Export the model with tensors only: options={"zipmap": False} with skl2onnx, zipmap=False with onnxmltools.',
  ],
  optionalType: [
    'is optional, which a request cannot leave out',
    'Export the model with this value always given, or without it.',
  ],
  sparseTensorType: ['is a sparse tensor', 'Export the model with dense tensors.'],
};

/** What an input or output is that is no tensor, and how to avoid it. */
export function whatInstead(path: string, name: string): readonly [what: string, remedy: string] {
  const { graph } = readModelProto(path);
  const values = [...(graph?.input ?? []), ...(graph?.output ?? [])];
  const kind = values.find((value) => value.name === name)?.type?.value.case;
  return WITHOUT_TENSOR[kind ?? 'sequenceType'] ?? ['is no tensor', 'Export the model with tensors only.'];
}
