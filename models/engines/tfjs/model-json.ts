import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InflessError, systemCode } from '../../base/errors.ts';
import { parseJson, parseWith } from '../../base/schema.ts';
import { requireInside } from '../content.ts';
import type { ModelStorage } from '../engine.ts';

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
  const boundary = {
    what: `TF.js model ${path}`,
    code: 'MODEL_CORRUPT',
    remedy: 'Export or download it again.',
  } as const;
  const model = parseWith(modelJsonSchema, parseJson(await readModelText(path), boundary), boundary);
  requireInside(path, shardsOf(model));
  return model;
}

const MODEL_JSON = 'model.json';

/** What the converters write first: whoever saves a model elsewhere may call the file as they like. */
const BEGINS_MODEL = /^\s*\{.*"(?:modelTopology"|format"\s*:\s*"(?:graph|layers)-model")/s;

/** A TF.js model is its `model.json`, and the shards of its weights. */
export const TFJS_STORAGE: ModelStorage = {
  format: 'tfjs',
  kind: 'the model.json of a TF.js model',
  recognizes: (path) => basename(path) === MODEL_JSON,
  properName: (_path, start) => (BEGINS_MODEL.test(start.toString('utf8')) ? MODEL_JSON : undefined),
  defaultName: (path) => basename(dirname(resolve(path))), // every model's file has the same name
  files: async (path) => [basename(path), ...shardsOf(await readModelJson(path))],
};

/** The files with its weights, relative to its folder: in order, each once. */
function shardsOf(model: ModelJson): readonly string[] {
  return [...new Set(model.weightsManifest.flatMap(({ paths }) => paths))].sort();
}

/** Older exporters wrote no format: the topology of a graph has nodes, that of layers a configuration. */
export function kindOf(model: ModelJson): TfjsKind {
  if (model.format === 'graph-model') return 'graph';
  if (model.format === 'layers-model') return 'layers';
  return 'node' in model.modelTopology ? 'graph' : 'layers';
}

/** Of Keras, where it made the layers and says so. */
export function kerasVersionOf({ modelTopology }: ModelJson): string | undefined {
  const { keras_version: version } = modelTopology;
  return typeof version === 'string' ? version : undefined;
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
