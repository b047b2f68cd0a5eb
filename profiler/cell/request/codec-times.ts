import { decodePredict, encodePredict, encodePredictBody } from '../../../models/codec/predict-json.ts';
import { canBatch, type ModelManifest } from '../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import type { CodecTimes } from '../cell-protocol.ts';
import { meanTimeMs } from '../measure.ts';

/** Runs of the codec at least, however slow it is under the quota. */
const FEWEST_RUNS = 3;

/** A request of one row, and what the model answers to it. */
export interface Exchange {
  readonly manifest: ModelManifest;
  readonly request: NamedTensors;
  readonly outputs: NamedTensors;
}

/** How long its JSON takes to read and to write. */
export function codecTimes(exchange: Exchange, budgetMs: number): CodecTimes {
  const { manifest, outputs } = exchange;
  const body = requestBody(exchange);
  const limits = { fewest: FEWEST_RUNS, budgetMs: budgetMs / 2 };
  return {
    decode: meanTimeMs(() => decodePredict(body, manifest), limits),
    encode: meanTimeMs(() => encodePredict(outputs, formOf(manifest), manifest), limits),
  };
}

export function requestBody({ manifest, request }: Exchange): Uint8Array {
  return encodePredictBody(request, formOf(manifest), manifest);
}

export function responseBody({ manifest, outputs }: Exchange): Uint8Array {
  return encodePredict(outputs, formOf(manifest), manifest);
}

/** Rows are how clients send; a model without rows can only be sent whole tensors. */
function formOf(manifest: ModelManifest): 'row' | 'column' {
  return canBatch(manifest) ? 'row' : 'column';
}
