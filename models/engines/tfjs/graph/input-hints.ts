import { HintCollector, type InputHints } from '../../made-up/hints.ts';
import { type GraphNode, topologySchema } from '../counts/graph-json.ts';
import type { LayersModel } from '../runtime/tfjs-runtime.ts';

/** These hand on the values that they get. */
const SAME_VALUES: ReadonlySet<string> = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'ExpandDims',
  'Squeeze',
  'StopGradient',
]);

/** These look their second operand up in their first. */
const LOOK_UPS: ReadonlySet<string> = new Set(['Gather', 'GatherV2', 'ResourceGather']);

/**
 * What a TensorFlow graph tells about what its inputs may hold: ids are below the rows of the table that they
 * are looked up in.
 *
 * @param inputs the reference in the graph for each input
 * @param shapeOf of a weight, by the name of its node
 */
export function graphInputHints(
  modelTopology: unknown,
  inputs: ReadonlyMap<string, string>,
  shapeOf: (weight: string) => readonly number[] | undefined,
): InputHints {
  const collector = new HintCollector();
  const topology = topologySchema.safeParse(modelTopology);
  if (!topology.success) return collector.hints; // the runtime accepts it, so only running will show
  const nodes = new Map(topology.data.node.map((node) => [node.name, node]));
  const inputOf = new Map([...inputs].map(([name, reference]) => [nodeName(reference), name]));
  const origin = (reference: string): GraphNode | undefined => {
    let node = nodes.get(nodeName(reference));
    for (let steps = 0; node !== undefined && SAME_VALUES.has(node.op) && steps < nodes.size; steps += 1) {
      node = nodes.get(nodeName(node.input[0] ?? ''));
    }
    return node;
  };
  for (const { op, input, attr } of topology.data.node) {
    if (!LOOK_UPS.has(op)) continue;
    const table = origin(input[0] ?? '');
    const ids = origin(input[1] ?? '');
    const name = ids && inputOf.get(ids.name);
    const rows = table && shapeOf(table.name)?.[0]; // a table is looked up along its first axis
    if (name !== undefined && rows !== undefined && (attr.batch_dims?.i ?? 0) === 0)
      collector.below(name, rows);
  }
  return collector.hints;
}

/** `^x` is a dependency, `x:1` the second output of a node. */
function nodeName(reference: string): string {
  return reference.replace(/^\^/, '').replace(/:\d+$/, '');
}

/** What layers tell: ids are below the rows of the embeddings that read them. */
export function layerInputHints({ inputs, layers }: Pick<LayersModel, 'inputs' | 'layers'>): InputHints {
  const collector = new HintCollector();
  const names = new Set(inputs.map(({ sourceLayer }) => sourceLayer.name));
  for (const layer of layers) {
    const { inputDim } = layer.getConfig();
    if (layer.getClassName() !== 'Embedding' || typeof inputDim !== 'number') continue;
    for (const { inputTensors } of layer.inboundNodes) {
      for (const { sourceLayer } of inputTensors) {
        if (names.has(sourceLayer.name)) collector.below(sourceLayer.name, inputDim);
      }
    }
  }
  return collector.hints;
}
