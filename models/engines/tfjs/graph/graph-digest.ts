import { createHash } from 'node:crypto';
import { elementCount } from '../../../manifest/tensor.ts';
import { kindOf, type ModelJson, readModelJson, type WeightSpec } from '../model-json.ts';
import { readWeights, weightBytes } from '../weights.ts';

/** Longer constants are weights, whatever they hold: shapes, axes and sizes are short. */
const MOST_VALUES = 64;

/** What of a topology says nothing of what is computed. */
const ASIDE: ReadonlySet<string> = new Set([
  'versions',
  'training_config',
  'keras_version',
  'backend',
  'build_config',
  'experimental_debug_info',
]);

/**
 * The digest of what a TF.js model computes, whatever its weights: of its operators or layers, of its
 * weights' names, element types and shapes, and of the small integers that a graph has for shapes and axes.
 * Which versions made the file does not count.
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT
 */
export async function tfjsGraphDigest(path: string): Promise<`sha256:${string}`> {
  const model = await readModelJson(path);
  const isGraph = kindOf(model) === 'graph';
  const described = {
    topology: isGraph ? model.modelTopology : unnamed(model.modelTopology),
    signature: model.signature,
    weights: model.weightsManifest
      .flatMap(({ weights }) => weights)
      .map(({ name, shape, dtype, quantization }) => ({ name, shape, dtype, stored: quantization?.dtype })),
    values: isGraph ? await smallIntegers(path, model) : [],
  };
  return `sha256:${createHash('sha256').update(canonical(described)).digest('hex')}`;
}

/** Layers without the name of the whole: a process numbers the models that it makes. */
function unnamed(topology: ModelJson['modelTopology']): object {
  const { model_config: saved = topology } = topology as { model_config?: unknown };
  const { config, ...rest } = saved as { config?: unknown };
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return { config, ...rest };
  return { ...rest, config: { ...config, name: undefined } };
}

/** JSON with its keys in order, so that the same content has the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (ASIDE.has(key)) return undefined;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The bytes of each, in the order of the weights; none after a text, whose length the list does not tell. */
async function smallIntegers(path: string, model: ModelJson): Promise<string[]> {
  const { weightsManifest } = model;
  if (!weightsManifest.some(({ weights }) => weights.some(isSmallInteger))) return [];
  const shards = await readWeights(path, model);
  const found: string[] = [];
  for (const { paths, weights } of weightsManifest) {
    const data = Buffer.concat(shards.splice(0, paths.length).map((shard) => new Uint8Array(shard)));
    let offset = 0;
    for (const weight of weights) {
      const size = weightBytes(weight);
      if (size === undefined) break;
      if (isSmallInteger(weight)) found.push(data.toString('hex', offset, offset + size));
      offset += size;
    }
  }
  return found;
}

function isSmallInteger({ dtype, shape, quantization }: WeightSpec): boolean {
  return dtype === 'int32' && quantization === undefined && elementCount(shape) <= MOST_VALUES;
}
