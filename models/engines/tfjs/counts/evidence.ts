import type { AxisGuess } from '../../batch-axes/axis-guesses.ts';
import { hasCountedAxis, plain, type TensorFacts, vector } from '../../batch-axes/counts/facts.ts';
import { rowsOf } from '../../batch-axes/counts/rows.ts';
import { type GraphEvidence, NO_EVIDENCE } from '../../batch-axes/evidence.ts';
import type { GraphModel } from '../runtime/tfjs-runtime.ts';
import { GraphFacts } from './graph-facts.ts';
import { topologySchema } from './graph-json.ts';

type Weights = GraphModel['weights'];

/**
 * What a graph tells about its outputs.
 *
 * @param tensors the reference in the graph for each output
 * @param inputs the references for the inputs, in the order in which guesses have them
 */
export function graphEvidence(
  modelTopology: unknown,
  weights: Weights,
  tensors: ReadonlyMap<string, string>,
  inputs: readonly string[] = [],
): GraphEvidence {
  const topology = topologySchema.safeParse(modelTopology);
  if (!topology.success) return NO_EVIDENCE; // the runtime accepts it, so only running will show
  const ofWeight = (name: string) => weightFacts(weights, name);
  const graph = new GraphFacts(topology.data, ofWeight);
  const facts = graph.of([...tensors.values()]);
  const nodes = inputs.map((reference) => reference.split(':')[0]!);
  const byGuess = new Map<string, ReadonlyMap<string, TensorFacts>>();
  const underGuess = (guess: AxisGuess): ReadonlyMap<string, TensorFacts> => {
    const known = byGuess.get(guess.join());
    if (known !== undefined) return known;
    const axes = new Map(nodes.map((name, index) => [name, guess[index] ?? null]));
    const found = new GraphFacts(topology.data, ofWeight, (name) => axes.get(name) ?? null).of([
      ...tensors.values(),
    ]);
    byGuess.set(guess.join(), found);
    return found;
  };
  return {
    ...NO_EVIDENCE,
    countsValues: graph.countsValues,
    mixing(guess, output) {
      const rows = rowsOf(underGuess(guess).get(tensors.get(output) ?? output));
      return rows.kind === 'mixed' ? rows.why : undefined;
    },
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
