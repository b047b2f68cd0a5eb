import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { InflessError, messageOf, systemCode } from '../../base/errors.ts';
import { parseWith } from '../../base/schema.ts';

/** Which of TensorFlow.js' two loaders reads a model. */
export type TfjsKind = 'graph' | 'layers';

const weightSchema = z.looseObject({
  name: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  dtype: z.enum(['float32', 'int32', 'bool', 'string', 'complex64']),
  quantization: z.looseObject({ dtype: z.enum(['uint8', 'uint16', 'float16']) }).optional(),
});
export type WeightSpec = z.infer<typeof weightSchema>;

const weightGroupSchema = z.looseObject({
  paths: z.array(z.string().min(1)),
  weights: z.array(weightSchema),
});
export type WeightGroup = z.infer<typeof weightGroupSchema>;

/** What of a `model.json` we look at ourselves; the rest is for the runtime. */
const modelJsonSchema = z.looseObject({
  format: z.string().nullish(),
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(weightGroupSchema).default([]),
});
export type ModelJson = z.infer<typeof modelJsonSchema>;

/**
 * Reads the `model.json` of a TF.js model; its weights stay on disk.
 *
 * @throws InflessError MODEL_NOT_FOUND; MODEL_CORRUPT, also where it keeps weights outside its own folder
 */
export async function readModelJson(path: string): Promise<ModelJson> {
  const model = parseWith(modelJsonSchema, parseJson(path, await readModelText(path)), {
    what: `TF.js model ${path}`,
    code: 'MODEL_CORRUPT',
    remedy: 'Export or download it again.',
  });
  const outside = shardsOf(model).find((shard) => !staysInside(shard));
  if (outside === undefined) return model;
  throw new InflessError('MODEL_CORRUPT', `${path} keeps weights in "${outside}", outside its own folder`, {
    remedy: 'Export it with its weights beside it.',
  });
}

/** The files with its weights, relative to its folder: in order, each once. */
export function shardsOf(model: ModelJson): readonly string[] {
  return [...new Set(model.weightsManifest.flatMap(({ paths }) => paths))].sort();
}

/** Older exporters wrote no format: the topology of a graph has nodes, that of layers a configuration. */
export function kindOf(model: ModelJson): TfjsKind {
  if (model.format === 'graph-model') return 'graph';
  if (model.format === 'layers-model') return 'layers';
  return 'node' in model.modelTopology ? 'graph' : 'layers';
}

async function readModelText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${systemCode(error)})`;
    throw new InflessError('MODEL_NOT_FOUND', `Model file ${path} ${why}`, {
      remedy: 'Give the path of the model.json of a TF.js model.',
      cause: error,
    });
  });
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InflessError('MODEL_CORRUPT', `TF.js model ${path} is not JSON (${messageOf(error)})`, {
      remedy: 'Export or download it again.',
      cause: error,
    });
  }
}

/** A model that names other people's files must not get them read, hashed or packed. */
function staysInside(name: string): boolean {
  return !/^[/\\]|^[a-z]:|\\|\0/i.test(name) && !name.split('/').includes('..');
}
