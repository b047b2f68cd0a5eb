import { type GraphProto, type ModelProto, type NodeProto, TensorProto_DataType as Type } from 'onnx-buf';
import type { GraphEvidence, Precision } from '../../batch-axes/evidence.ts';

const HALVES: ReadonlySet<number> = new Set([Type.FLOAT16, Type.BFLOAT16]);

/** Operators that round activations to the steps of a scale that the file has. */
const QUANTISING = /^(QuantizeLinear|QLinear\w+|QGemm|QAttention)$/;

/** What hands on the numbers that it gets. */
const SAME = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose']);

/** How exactly numbers are kept, and the step of outputs that come straight from whole numbers. */
export function exactnessOf({ graph }: ModelProto): Pick<GraphEvidence, 'precision' | 'stepOf'> {
  if (graph === undefined) return { precision: 'single', stepOf: () => undefined };
  const precision = precisionOf(graph);
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const stepOf = (output: string): number | undefined => {
    let maker = makers.get(output);
    while (maker !== undefined && SAME.has(maker.opType)) maker = makers.get(maker.input[0]!);
    return maker?.opType === 'DequantizeLinear' ? scaleOf(maker, graph) : undefined;
  };
  return { precision, stepOf: precision === 'quantised' ? stepOf : () => undefined };
}

function precisionOf(graph: GraphProto): Precision {
  if (graph.node.some(({ opType }) => QUANTISING.test(opType))) return 'quantised';
  return usesHalves(graph) ? 'half' : 'single';
}

function usesHalves({ node, initializer, input }: GraphProto): boolean {
  return (
    initializer.some(({ dataType }) => HALVES.has(dataType)) ||
    input.some(({ type }) => type?.value.case === 'tensorType' && HALVES.has(type.value.value.elemType)) ||
    node.some(({ opType, attribute }) => {
      const to = opType === 'Cast' ? attribute.find(({ name }) => name === 'to') : undefined;
      return (
        (to !== undefined && HALVES.has(Number(to.i))) ||
        attribute.some(({ g }) => g !== undefined && usesHalves(g))
      );
    })
  );
}

/** The largest one, where each channel has its own. */
function scaleOf({ input }: NodeProto, { initializer }: GraphProto): number | undefined {
  const tensor = initializer.find(({ name }) => name === input[1]);
  if (tensor === undefined || tensor.dataType !== Type.FLOAT) return undefined;
  const { rawData, floatData } = tensor;
  const bytes = rawData.slice();
  const values =
    bytes.byteLength > 0 ? [...new Float32Array(bytes.buffer, 0, bytes.byteLength >> 2)] : floatData;
  return values.length === 0 ? undefined : Math.max(...values.map(Math.abs));
}
