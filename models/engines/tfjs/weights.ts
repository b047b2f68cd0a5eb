import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { InflessError, messageOf, systemCode } from '../../base/errors.ts';
import { elementCount } from '../../manifest/tensor.ts';
import type { ModelJson, WeightGroup, WeightSpec } from './model-json.ts';

const BYTES_OF = { float32: 4, int32: 4, bool: 1, complex64: 8, uint8: 1, uint16: 2, float16: 2 } as const;

/**
 * Reads the weights of a model from its folder, as the runtime's loaders take them.
 *
 * @throws InflessError MODEL_CORRUPT for a shard that is missing, or has less or more in it than `model.json`
 * says
 */
export async function readWeights(path: string, model: ModelJson): Promise<ArrayBuffer[]> {
  const folder = dirname(path);
  const shards: ArrayBuffer[] = [];
  for (const group of model.weightsManifest) {
    const parts: ArrayBuffer[] = [];
    for (const shard of group.paths) parts.push(await readShard(path, join(folder, shard)));
    checkLength(path, group, parts);
    shards.push(...parts);
  }
  return shards;
}

/** What the runtime's loaders take: a model that was read already. */
export function weightsHandler(
  { weightsManifest, ...rest }: ModelJson,
  weightData: ArrayBuffer[],
): io.IOHandler {
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  return { load: async () => ({ ...rest, weightSpecs, weightData }) as io.ModelArtifacts };
}

async function readShard(path: string, file: string): Promise<ArrayBuffer> {
  const bytes = await readFile(file).catch((error: unknown) => {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${messageOf(error)})`;
    throw new InflessError('MODEL_CORRUPT', `Weights file ${file} of ${path} ${why}`, {
      remedy: 'Put all files of the model into one folder.',
      cause: error,
    });
  });
  const isAlone = bytes.byteLength === bytes.buffer.byteLength;
  return (isAlone ? bytes.buffer : new Uint8Array(bytes).buffer) as ArrayBuffer;
}

/** Without this a short shard would be read as weights that are off by some bytes, or not at all. */
function checkLength(path: string, group: WeightGroup, parts: readonly ArrayBuffer[]): void {
  const sizes = group.weights.map(weightBytes);
  const actual = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const expected = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  if (sizes.includes(undefined) ? actual >= expected : actual === expected) return;
  throw new InflessError(
    'MODEL_CORRUPT',
    `Weights ${group.paths.join(', ')} of ${path} have ${actual} bytes instead of ${expected}`,
    { remedy: 'Export or download the model again.' },
  );
}

/** Undefined for texts, which are as long as they are. */
export function weightBytes({ shape, dtype, quantization }: WeightSpec): number | undefined {
  const stored = quantization?.dtype ?? dtype;
  return stored === 'string' ? undefined : elementCount(shape) * BYTES_OF[stored];
}
