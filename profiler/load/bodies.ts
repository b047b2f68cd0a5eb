import { encodePredictBody } from '../../models/codec/predict-json.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import { fetchInputs } from './metadata.ts';

/** Enough that a cache of answers would not flatter the target, few enough to hold images in memory. */
const DISTINCT_BODIES = 4;

/**
 * Request bodies made up from a model's metadata, one row each, encoded before the test: while it runs, sending
 * must cost as little as possible, because the CPU is shared with the system under test.
 *
 * @throws InflessError PLATFORM_FAILED, INVALID_INPUT
 */
export async function generateBodies(
  metadataUrl: URL,
  seed: number,
  timeoutMs: number,
): Promise<readonly Uint8Array[]> {
  const inputs = await fetchInputs(metadataUrl, timeoutMs);
  return Array.from({ length: DISTINCT_BODIES }, (_, index) => {
    const feeds = generateInputs({ name: 'the target', inputs }, { batch: 1, seed: seed + index });
    const oneRow = Object.values(feeds).every((tensor) => tensor.shape[0] === 1);
    return encodePredictBody(feeds, oneRow ? 'row' : 'column');
  });
}
