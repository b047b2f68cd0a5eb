import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { parseWith } from '../../../models/base/schema.ts';

/** The part of a TF.js `model.json` that says where the weights are. */
const modelJsonSchema = z.object({
  weightsManifest: z.array(z.object({ paths: z.array(z.string().min(1)) })).default([]),
});

/**
 * The shards of a TF.js model, as its `model.json` names them: relative to its folder, in order, each once.
 *
 * @throws InflessError MODEL_CORRUPT
 */
export async function weightShards(path: string): Promise<readonly string[]> {
  const { weightsManifest } = parseWith(modelJsonSchema, await readJson(path), {
    what: `TF.js model ${path}`,
    code: 'MODEL_CORRUPT',
    remedy: 'Export the model again.',
  });
  return [...new Set(weightsManifest.flatMap(({ paths }) => paths))].sort();
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new InflessError('MODEL_CORRUPT', `TF.js model ${path} is not JSON (${messageOf(error)})`, {
      remedy: 'Export or download it again.',
      cause: error,
    });
  }
}
