import { z } from 'zod';
import { MEDIA_TYPES } from './media-types.ts';

/** A manifest or config is small; one larger than this is refused before it fills the memory. */
export const MAX_JSON_BYTES = 4 << 20;

export const digestSchema = z.templateLiteral([z.literal('sha256:'), z.string().regex(/^[0-9a-f]{64}$/)], {
  error: 'a digest is sha256: and 64 hexadecimal digits',
});

/** The address of content: `sha256:<64 hexadecimal digits>`. */
export type Digest = z.output<typeof digestSchema>;

const annotationsSchema = z.record(z.string(), z.string());

/** What an image runs on, in Go's words (`linux`, `amd64`). */
export const platformSchema = z.object({
  os: z.string().min(1),
  architecture: z.string().min(1),
  variant: z.string().exactOptional(),
});

export type Platform = z.output<typeof platformSchema>;

/** The name, kind and size of a blob. Two blobs with one digest are one blob. */
export const descriptorSchema = z.object({
  mediaType: z.string().min(1),
  digest: digestSchema,
  size: z.int().nonnegative(),
  artifactType: z.string().exactOptional(),
  annotations: annotationsSchema.exactOptional(),
  platform: platformSchema.exactOptional(),
});

export type Descriptor = z.output<typeof descriptorSchema>;

/**
 * One image of one platform, or an artifact (then `artifactType` says which, and `subject` what it is about).
 */
export const imageManifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum([MEDIA_TYPES.manifest, MEDIA_TYPES.dockerManifest]).exactOptional(),
  artifactType: z.string().exactOptional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema),
  subject: descriptorSchema.exactOptional(),
  annotations: annotationsSchema.exactOptional(),
});

export type ImageManifest = z.output<typeof imageManifestSchema>;

/** The images of several platforms under one name. */
export const imageIndexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum([MEDIA_TYPES.index, MEDIA_TYPES.dockerIndex]).exactOptional(),
  artifactType: z.string().exactOptional(),
  manifests: z.array(descriptorSchema),
  subject: descriptorSchema.exactOptional(),
  annotations: annotationsSchema.exactOptional(),
});

export type ImageIndex = z.output<typeof imageIndexSchema>;

const historySchema = z.object({
  created: z.string().exactOptional(),
  created_by: z.string().exactOptional(),
  author: z.string().exactOptional(),
  comment: z.string().exactOptional(),
  empty_layer: z.boolean().exactOptional(),
});

export type History = z.output<typeof historySchema>;

// Go writes an absent map or list as null, and many bases were written by Go.
function orNull<T extends z.ZodType>(schema: T) {
  return schema.nullable().exactOptional();
}

const setSchema = z.record(z.string(), z.object({}));

/** How a container of the image starts. Unknown fields (Docker's Healthcheck and Shell) pass through. */
const containerConfigSchema = z.looseObject({
  User: z.string().exactOptional(),
  ExposedPorts: orNull(setSchema),
  Env: orNull(z.array(z.string())),
  Entrypoint: orNull(z.array(z.string())),
  Cmd: orNull(z.array(z.string())),
  Volumes: orNull(setSchema),
  WorkingDir: z.string().exactOptional(),
  Labels: orNull(annotationsSchema),
  StopSignal: z.string().exactOptional(),
});

export type ContainerConfig = z.output<typeof containerConfigSchema>;

export const imageConfigSchema = z.looseObject({
  created: z.string().exactOptional(),
  author: z.string().exactOptional(),
  architecture: z.string().min(1),
  os: z.string().min(1),
  variant: z.string().exactOptional(),
  config: containerConfigSchema.exactOptional(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(digestSchema) }),
  history: z.array(historySchema).exactOptional(),
});

export type ImageConfig = z.output<typeof imageConfigSchema>;
