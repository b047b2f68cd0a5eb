import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import { type Decoded, JSON_TYPE } from '../../../models/protocols/protocol.ts';
import { type PredictForm, tensorflowServing } from '../../../models/protocols/tensorflow-serving.ts';

export function decodePredict(body: Uint8Array, manifest: ModelManifest): Decoded<PredictForm> {
  return tensorflowServing.decode({ contentType: JSON_TYPE, body }, manifest);
}

/** @param rows of the request; default: of the first output that has rows */
export function encodePredict(
  outputs: NamedTensors,
  form: PredictForm,
  manifest: Pick<ModelManifest, 'outputs'> = { outputs: [] },
  rows = rowsIn(outputs, manifest),
): Uint8Array {
  return tensorflowServing.encode(outputs, { feeds: {}, rows, form }, manifest as ModelManifest).body;
}

function rowsIn(outputs: NamedTensors, manifest: Pick<ModelManifest, 'outputs'>): number {
  const batched = manifest.outputs.find(({ batchAxis }) => batchAxis !== null);
  return batched === undefined ? 1 : outputs[batched.name]!.shape[batched.batchAxis!]!;
}
