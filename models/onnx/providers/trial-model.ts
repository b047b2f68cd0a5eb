import { Graph } from '../../zoo/graph.ts';
import { conv } from '../../zoo/layers/convolution.ts';
import { dense } from '../../zoo/layers/dense.ts';
import { flatten } from '../../zoo/layers/shape.ts';

/** The input of the {@link trialModel}: one row. */
export const TRIAL_INPUT: { readonly name: string; readonly shape: readonly number[] } = {
  name: 'x',
  shape: [1, 4, 8, 8],
};

/** A convolution and a matrix product: on CUDA they need cuDNN and cuBLAS, so that who runs it has both. */
export function trialModel(): Uint8Array {
  const graph = new Graph('trial');
  const x = graph.input(TRIAL_INPUT.name, 'float32', TRIAL_INPUT.shape.slice(1));
  graph.output('y', dense(flatten(conv(x, { filters: 4, kernel: 3, padding: 1 })), 2));
  return graph.encode();
}
