import { canBatch, type ModelManifest } from '../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import { JSON_TYPE } from '../../../models/protocols/protocol.ts';
import { predictBody, tensorflowServing } from '../../../models/protocols/tensorflow-serving.ts';
import type { CodecTimes } from '../cell-protocol.ts';
import { meanTimeMs } from '../measure.ts';
import type { RowBytes } from './transfer.ts';

/** Runs of the codec at least, however slow it is under the quota. */
const FEWEST_RUNS = 3;

/** One row's request and answer as bytes, and how long they take to read and to write. */
export interface RowExchange extends RowBytes {
  times(budgetMs: number): CodecTimes;
}

/** @param outputs what the model answers to the feeds */
export function rowExchange(
  manifest: ModelManifest,
  feeds: NamedTensors,
  outputs: NamedTensors,
): RowExchange {
  // Rows are how clients send; a model without rows can only be sent whole tensors.
  const form = canBatch(manifest) ? 'row' : 'column';
  const message = { contentType: JSON_TYPE, body: predictBody(feeds, form, manifest) };
  const decoded = tensorflowServing.decode(message, manifest);
  return {
    request: message.body,
    response: tensorflowServing.encode(outputs, decoded, manifest).body,
    times: (budgetMs) => {
      const limits = { fewest: FEWEST_RUNS, budgetMs: budgetMs / 2 };
      return {
        decode: meanTimeMs(() => tensorflowServing.decode(message, manifest), limits),
        encode: meanTimeMs(() => tensorflowServing.encode(outputs, decoded, manifest), limits),
      };
    },
  };
}
