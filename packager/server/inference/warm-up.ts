import { encodePredictBody } from '../../../models/codec/predict-json.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import type { BatchedRequest } from '../instance-protocol.ts';

/** `requests` predictions of one row each with generated values, as a client would send them. */
export function warmUpBatch(manifest: ModelManifest, requests: number): BatchedRequest[] {
  const body = encodePredictBody(generateInputs(manifest, { batch: 1 }), 'row', manifest);
  return Array.from({ length: requests }, () => ({ path: '/', contentType: 'application/json', body }));
}
