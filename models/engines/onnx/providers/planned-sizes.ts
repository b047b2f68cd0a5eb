import type { ModelManifest } from '../../../manifest/manifest.ts';
import { sliceRows, stackRows } from '../../../manifest/stacking.ts';
import type { NamedTensors } from '../../../manifest/tensor.ts';

/** From one size to the next: so many more rows cost a GPU little, and each size costs a session. */
const STEP = 4;
/** Of all sessions together: weights are in the GPU's memory once for each. */
const MOST_WEIGHTS_BYTES = 2 ** 30;

/**
 * Batch sizes that a model with convolutions runs with on CUDA, each in a session of its own; smaller batches
 * are padded up to the next.
 *
 * A convolution of ONNX Runtime keeps cuDNN's plan for the last shape only: when the shape changes, all are
 * planned anew, which takes longer than the run itself. With a session for each size no shape ever changes.
 */
export function plannedSizes(maxBatch: number, weightsBytes: number): readonly number[] {
  const sizes = [maxBatch];
  for (let size = STEP ** Math.floor(Math.log(maxBatch) / Math.log(STEP) + 1e-9); size >= 1; size /= STEP) {
    if (size < sizes[0]!) sizes.unshift(size);
  }
  const affordable = Math.max(1, Math.floor(MOST_WEIGHTS_BYTES / Math.max(1, weightsBytes)));
  return sizes.slice(-Math.max(1, affordable));
}

/** Feeds with copies of their first row added, up to `size` rows. */
export function padded(feeds: NamedTensors, { inputs }: ModelManifest, size: number): NamedTensors {
  return Object.fromEntries(
    inputs.map(({ name, batchAxis }) => {
      const tensor = feeds[name]!;
      if (batchAxis === null) return [name, tensor];
      const missing = size - tensor.shape[batchAxis]!;
      const row = sliceRows(tensor, batchAxis, 0, 1);
      return [name, stackRows([tensor, ...Array.from({ length: missing }, () => row)], batchAxis)];
    }),
  );
}

/** The first rows of answers. */
export function firstRows(answers: NamedTensors, { outputs }: ModelManifest, rows: number): NamedTensors {
  return Object.fromEntries(
    outputs.map(({ name, batchAxis }) => [name, sliceRows(answers[name]!, batchAxis!, 0, rows)]),
  );
}
