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
});
export type ModelManifest = z.infer<typeof modelManifestSchema>;

/** A model on disk together with what it is. */
export interface ModelFile {
  readonly path: string;
  readonly manifest: ModelManifest;
}

/** Whether several requests can run as one batch: every input and output has a free batch axis. */
export function canBatch(manifest: ModelManifest): boolean {
  return [...manifest.inputs, ...manifest.outputs].every((spec) => spec.batchAxis !== null);
}

/** The shape of one row: the tensor's shape without its batch axis, for messages and metadata. */
export function rowShape(spec: TensorSpec): (number | null)[] {
  return spec.shape.filter((_, axis) => axis !== spec.batchAxis);
}
