import { type GraphEvidence, NO_EVIDENCE } from '../../batch-axes/evidence.ts';
import { hasCountedAxis, plain, type TensorFacts, vector } from '../../counts/facts.ts';
import type { GraphModel } from '../tfjs-runtime.ts';
import { GraphFacts } from './graph-facts.ts';
import { topologySchema } from './graph-json.ts';

type Weights = GraphModel['weights'];

/**
 * What a graph tells of its outputs.
 *
 * @param tensors what the graph calls each output
 */
export function graphEvidence(
  modelTopology: unknown,
  weights: Weights,
  tensors: ReadonlyMap<string, string>,
): GraphEvidence {
  const topology = topologySchema.safeParse(modelTopology);
  if (!topology.success) return NO_EVIDENCE; // the runtime can read it: what it does is seen when it runs
  const facts = new GraphFacts(topology.data, (name) => weightFacts(weights, name)).of([...tensors.values()]);
  return {
    isCounted(output, axis) {
      const found = facts.get(tensors.get(output) ?? output);
      return found !== undefined && hasCountedAxis(found, axis);
    },
  };
}

/** Of short lists of integers their numbers: shapes and axes are such. */
function weightFacts(weights: Weights, name: string): TensorFacts | undefined {
  const weight = weights[name]?.[0];
  if (weight === undefined) return undefined;
  const { rank, dtype, size } = weight;
  return rank <= 1 && dtype === 'int32' && size <= 64
    ? vector(rank as 0 | 1, [...(weight.dataSync() as Int32Array)])
    : plain(rank, false);
}
