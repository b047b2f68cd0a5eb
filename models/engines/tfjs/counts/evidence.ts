import { hasCountedAxis, plain, type TensorFacts, vector } from '../../batch-axes/counts/facts.ts';
import { type GraphEvidence, NO_EVIDENCE } from '../../batch-axes/evidence.ts';
import type { GraphModel } from '../runtime/tfjs-runtime.ts';
import { GraphFacts } from './graph-facts.ts';
import { topologySchema } from './graph-json.ts';

type Weights = GraphModel['weights'];

/**
 * What a graph tells about its outputs.
 *
 * @param tensors the reference in the graph for each output
 */
export function graphEvidence(
  modelTopology: unknown,
  weights: Weights,
  tensors: ReadonlyMap<string, string>,
): GraphEvidence {
  const topology = topologySchema.safeParse(modelTopology);
  if (!topology.success) return NO_EVIDENCE; // the runtime accepts it, so only running will show
  const graph = new GraphFacts(topology.data, (name) => weightFacts(weights, name));
  const facts = graph.of([...tensors.values()]);
  return {
    ...NO_EVIDENCE,
    countsValues: graph.countsValues,
    isCounted(output, axis) {
      const found = facts.get(tensors.get(output) ?? output);
      return found !== undefined && hasCountedAxis(found, axis);
    },
  };
}

/** Short integer vectors, such as shapes and axes, keep their elements. */
function weightFacts(weights: Weights, name: string): TensorFacts | undefined {
  const weight = weights[name]?.[0];
  if (weight === undefined) return undefined;
  const { rank, dtype, size } = weight;
  return rank <= 1 && dtype === 'int32' && size <= 64
    ? vector(rank as 0 | 1, [...(weight.dataSync() as Int32Array)])
    : plain(rank, false);
}
