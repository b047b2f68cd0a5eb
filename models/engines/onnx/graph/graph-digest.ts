import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { loadError } from '../errors.ts';
import { readModelProto } from '../skeleton.ts';

/** Longer tensors are weights, whatever they hold: shapes, axes and sizes are short. */
const MOST_VALUES = 64;

/** How much these do follows from floats among their operands: scales, thresholds, steps. */
const SIZED_BY_FLOATS: ReadonlySet<string> = new Set(['Resize', 'Upsample', 'NonMaxSuppression', 'Range']);

/** What these read as integers are quantised weights and biases. */
const QUANTISED = /^(DequantizeLinear|QLinear.*)$/;

const FLOATS: ReadonlySet<Type> = new Set([Type.FLOAT, Type.DOUBLE, Type.FLOAT16, Type.BFLOAT16]);
const COUNTS: ReadonlySet<Type> = new Set([Type.INT64, Type.INT32, Type.BOOL, Type.STRING]);

/**
 * The digest of what an ONNX model computes, whatever its weights: of its operators, their attributes, its
 * tensors' names, element types and shapes, and the values of those small constants that shapes follow from.
 * Who made the file, and when, does not count.
 *
 * @throws InflessError MODEL_CORRUPT
 */
export function onnxGraphDigest(path: string): `sha256:${string}` {
  try {
    const { opsetImport, graph, functions } = readModelProto(path);
    const model = create(ModelProtoSchema, {
      opsetImport: opsetImport.toSorted((a, b) => (a.domain < b.domain ? -1 : 1)),
      ...(graph === undefined ? {} : { graph: bareGraph(graph, new Map()) }),
      functions: functions.map(bareFunction),
    });
    const bytes = toBinary(ModelProtoSchema, model, { writeUnknownFields: false });
    return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  } catch (error) {
    throw loadError(path, error);
  }
}

/** The operators that read each tensor, by its name. */
type Readers = ReadonlyMap<string, ReadonlySet<string>>;

function bareGraph(graph: GraphProto, around: Readers): GraphProto {
  const { input, output, node, initializer, sparseInitializer } = graph;
  const readers = readersOf(node, around);
  return create(GraphProtoSchema, {
    input: input.map(({ name, type }) => ({ name, ...(type === undefined ? {} : { type }) })),
    output: output.map(({ name, type }) => ({ name, ...(type === undefined ? {} : { type }) })),
    node: node.map((each) => bareNode(each, readers)),
    initializer: initializer.map((each) => bareTensor(each, readers.get(each.name))),
    sparseInitializer: sparseInitializer.map(({ dims, values }) => ({
      dims,
      ...(values === undefined ? {} : { values: bareTensor(values, undefined) }),
    })),
  });
}

function bareFunction({
  name,
  domain,
  overload,
  input,
  output,
  attribute,
  node,
}: FunctionProto): FunctionProto {
  const readers = readersOf(node, new Map());
  const nodes = node.map((each) => bareNode(each, readers));
  return create(FunctionProtoSchema, { name, domain, overload, input, output, attribute, node: nodes });
}

/** Subgraphs read what is around them. */
function readersOf(nodes: readonly NodeProto[], around: Readers): Readers {
  const readers = new Map([...around].map(([name, operators]) => [name, new Set(operators)]));
  const visit = ({ input, opType, attribute }: NodeProto): void => {
    for (const name of input) {
      const operators = readers.get(name);
      if (operators === undefined) readers.set(name, new Set([opType]));
      else operators.add(opType);
    }
    for (const { g, graphs } of attribute) {
      for (const graph of g === undefined ? graphs : [g, ...graphs]) graph.node.forEach(visit);
    }
  };
  nodes.forEach(visit);
  return readers;
}

function bareNode(
  { opType, domain, overload, input, output, attribute }: NodeProto,
  readers: Readers,
): NodeProto {
  const reads = opType === 'Constant' ? readers.get(output[0] ?? '') : new Set([opType]);
  const attributes = attribute
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((each) => bareAttribute(each, readers, reads));
  return create(NodeProtoSchema, { opType, domain, overload, input, output, attribute: attributes });
}

/** Lists of floats are weights, too: a linear classifier has its coefficients there. */
function bareAttribute(
  attribute: AttributeProto,
  readers: Readers,
  reads: ReadonlySet<string> | undefined,
): AttributeProto {
  const { name, type, refAttrName, f, i, s, ints, strings, floats, t, tensors, g, graphs } = attribute;
  const isWeight = name === 'value_float' || floats.length > 0;
  const counts = !isWeight || sizedByFloats(reads);
  return create(AttributeProtoSchema, {
    ...{ name, type, refAttrName, i, s, ints, strings },
    ...(counts ? { f, floats } : { ints: [BigInt(floats.length)] }),
    ...(t === undefined ? {} : { t: bareTensor(t, reads) }),
    tensors: tensors.map((each) => bareTensor(each, reads)),
    ...(g === undefined ? {} : { g: bareGraph(g, readers) }),
    graphs: graphs.map((each) => bareGraph(each, readers)),
  });
}

function bareTensor(tensor: TensorProto, readers: ReadonlySet<string> | undefined): TensorProto {
  const { name, dims, dataType } = tensor;
  const bare = { name, dims, dataType };
  if (!hasCountedValues(tensor, readers)) return create(TensorProtoSchema, bare);
  const { rawData, int64Data, int32Data, floatData, doubleData, stringData } = tensor;
  return create(TensorProtoSchema, {
    ...bare,
    ...{ rawData, int64Data, int32Data, floatData, doubleData, stringData },
  });
}

/** Whether the values of a constant decide how much is computed. */
function hasCountedValues({ dims, dataType }: TensorProto, readers: ReadonlySet<string> = new Set()) {
  if (dims.reduce((product, size) => product * Number(size), 1) > MOST_VALUES) return false;
  if (FLOATS.has(dataType)) return sizedByFloats(readers);
  return COUNTS.has(dataType) && ![...readers].some((operator) => QUANTISED.test(operator));
}

function sizedByFloats(operators: ReadonlySet<string> | undefined): boolean {
  return [...(operators ?? [])].some((operator) => SIZED_BY_FLOATS.has(operator));
}
