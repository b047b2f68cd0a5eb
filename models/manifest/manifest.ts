import { z } from 'zod';
import { exampleSchema } from './example.ts';
import { DTYPES } from './tensor.ts';

/** A class as the model's maker calls it. */
const classNameSchema = z.union([z.string(), z.number().int()]);
export type ClassName = z.infer<typeof classNameSchema>;

/**
 * One input or output of a model. `shape` holds `null` where the size is free; `batchAxis` is the free axis
 * that counts the rows of a batch, or `null` when this tensor has none. Of scores, `classes` says which class
 * each column is about, where the model says so.
 */
export const tensorSpecSchema = z.object({
  name: z.string().min(1),
  dtype: z.enum(DTYPES),
  shape: z.array(z.number().int().nonnegative().nullable()),
  batchAxis: z.number().int().nonnegative().nullable(),
  classes: z.array(classNameSchema).optional(),
});

/** An input, and what requests to it are made up like. */
const inputSpecSchema = tensorSpecSchema.extend({ example: exampleSchema.optional() });
export type TensorSpec = z.infer<typeof inputSpecSchema>;

/**
 * What an engine calls the models that it runs: `onnx`. Data may come from where there are engines that are
 * not here.
 */
export const modelFormatSchema = z.string().regex(/^[a-z][a-z0-9-]*$/);
export type ModelFormat = z.infer<typeof modelFormatSchema>;

/**
 * Whether requests may share a run of a model. `proven`: unlike rows were tried, and each got the answer that
 * it gets alone. `declared`: the model says so, and nothing could be tried. `refuted`: they may not.
 */
export const BATCHING_STATES = ['proven', 'declared', 'refuted'] as const;

const axisSchema = z.number().int().nonnegative().nullable();

export const batchingSchema = z.object({
  state: z.enum(BATCHING_STATES),
  /** Why, as the rest of a sentence. */
  reason: z.string(),
  /**
   * Of a model that is served one by one: the axis of each input and output along which rows would lie, for
   * users who trust it.
   */
  axes: z.object({ inputs: z.array(axisSchema), outputs: z.array(axisSchema) }).optional(),
  /** Where its user says that the rows of inputs lie: it was tried there alone. */
  given: z.record(z.string(), z.number().int().nonnegative()).optional(),
  /** How exactly its graph computes, where that is not in single precision: how far answers may be off. */
  precision: z.enum(['half', 'quantised']).optional(),
});
export type Batching = z.infer<typeof batchingSchema>;

const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** What a model is: everything a client, the profiler and the packager need to know without running it. */
export const modelManifestSchema = z.object({
  name: z.string().min(1),
  format: modelFormatSchema,
  /** `sha256:<hex>` of the model: see `digestModel`. */
  digest: digestSchema,
  /**
   * Of what it computes, whatever its weights: models that share it take as long. Older manifests are
   * without.
   */
  graphDigest: digestSchema.optional(),
  /** Of all its files. */
  sizeBytes: z.number().int().nonnegative(),
  inputs: z.array(inputSpecSchema).min(1),
  outputs: z.array(tensorSpecSchema).min(1),
  /** Absent in what older versions wrote, whose proof let dependent rows pass. */
  batching: batchingSchema.optional(),
});
export type ModelManifest = z.infer<typeof modelManifestSchema>;

/** A model on disk together with what it is. */
export interface ModelFile {
  readonly path: string;
  readonly manifest: ModelManifest;
}

/** Which models share runs: those that are proven to keep rows apart, or any whose user says that they do. */
export const BATCHING_CHOICES = ['proven', 'trust'] as const;
export type BatchingChoice = (typeof BATCHING_CHOICES)[number];

/** A model that is served one by one, with the rows that it would have: where its user says so. */
export function trusted(manifest: ModelManifest): ModelManifest {
  const axes = manifest.batching?.axes;
  if (axes === undefined) return manifest;
  const along = (specs: readonly TensorSpec[], places: readonly (number | null)[]): TensorSpec[] =>
    specs.map((spec, index) => {
      const axis = places[index] ?? null;
      return { ...spec, batchAxis: axis, shape: axis === null ? spec.shape : spec.shape.with(axis, null) };
    });
  return {
    ...manifest,
    inputs: along(manifest.inputs, axes.inputs),
    outputs: along(manifest.outputs, axes.outputs),
  };
}

/** A model that was taken to batch, and may not. */
export function refuted(manifest: ModelManifest, reason: string): ModelManifest {
  const { batching, inputs, outputs } = manifest;
  const isWhole = canBatch(manifest);
  const axesOf = (specs: readonly TensorSpec[]): (number | null)[] => specs.map(({ batchAxis }) => batchAxis);
  const axes = isWhole ? { inputs: axesOf(inputs), outputs: axesOf(outputs) } : batching?.axes;
  const alone = (specs: readonly TensorSpec[]): TensorSpec[] =>
    specs.map((spec) => ({ ...spec, batchAxis: null }));
  return {
    ...manifest,
    inputs: alone(inputs),
    outputs: alone(outputs),
    batching: { ...batching, state: 'refuted', reason, ...(axes === undefined ? {} : { axes }) },
  };
}

/**
 * What somebody else has written of a model, as far as it is believed: older versions took dependent rows for
 * independent ones, and did not write why.
 */
export function believed(manifest: ModelManifest): ModelManifest {
  if (manifest.batching !== undefined) return manifest;
  const known = refuted(manifest, 'it was looked at by an older version');
  return { ...known, batching: { ...known.batching!, state: 'declared' } };
}

/**
 * Whether several requests can run as one batch: every output has a free batch axis, and so has an input.
 * Requests share a run where their inputs without one are the same.
 */
export function canBatch({ inputs, outputs }: Pick<ModelManifest, 'inputs' | 'outputs'>): boolean {
  const hasRows = ({ batchAxis }: TensorSpec): boolean => batchAxis !== null;
  return inputs.some(hasRows) && outputs.every(hasRows);
}

/** The shape of one row: the tensor's shape without its batch axis, for messages and metadata. */
export function rowShape(spec: TensorSpec): (number | null)[] {
  return spec.shape.filter((_, axis) => axis !== spec.batchAxis);
}
