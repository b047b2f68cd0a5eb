import type { ModelManifest } from '../manifest/manifest.ts';
import type { NamedTensors } from '../manifest/tensor.ts';
import { type PredictForm, PredictReader, type PredictRequest } from './predict-request.ts';
import { writeColumns, writeRows } from './predict-writer.ts';

export type { PredictForm, PredictRequest } from './predict-request.ts';

/**
 * Reads the body of TensorFlow Serving's REST predict call.
 *
 * @throws InflessError INVALID_INPUT, whatever the bytes are, naming the place in the request.
 */
export function decodePredict(body: Uint8Array, manifest: ModelManifest): PredictRequest {
  return new PredictReader(body, manifest).read();
}

/**
 * Writes the answer in the form of the request. Names are left out where there is one output.
 *
 * Outputs that count values do not have the rows of the request. If all outputs have the same length, row
 * form lists their elements, as TensorFlow Serving does. Otherwise everything belongs to the row of a one-row
 * request.
 *
 * @param manifest tells which axis of each output holds the rows; without it, the first.
 * @param rows the number of rows in the request; without it, batch axes are taken to have the right length
 * @throws InflessError INVALID_INPUT when row form cannot express the outputs; INFERENCE_FAILED for a tensor
 *   with more or fewer elements than its shape says.
 */
export function encodePredict(
  outputs: NamedTensors,
  form: PredictForm,
  manifest?: ModelManifest,
  rows?: number,
): Uint8Array {
  return form === 'row'
    ? writeRows('predictions', outputs, manifest?.outputs, rows)
    : writeColumns('outputs', outputs);
}

/** Writes a request body, as a client does. */
export function encodePredictBody(
  feeds: NamedTensors,
  form: PredictForm,
  manifest?: ModelManifest,
): Uint8Array {
  return form === 'row' ? writeRows('instances', feeds, manifest?.inputs) : writeColumns('inputs', feeds);
}
