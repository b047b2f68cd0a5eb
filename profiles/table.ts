import { z } from 'zod';
import { modelManifestSchema } from '../models/manifest.ts';
import { configSchema } from './config.ts';
import { hostSchema } from './host-schema.ts';

export const PROFILE_SCHEMA = 'infless.io/profile/v1';

const positive = z.number().positive();

/** A latency distribution in milliseconds. `meanInterval` is the stated confidence interval of the mean. */
export const latencySchema = z.object({
  mean: positive,
  p50: positive,
  p95: positive,
  p99: positive,
  min: positive,
  max: positive,
  standardDeviation: z.number().nonnegative(),
  meanInterval: z.tuple([positive, positive]),
});
export type Latency = Readonly<z.infer<typeof latencySchema>>;

/** How a quota was held. `threads` means: not at all, only the thread count was set; `affinity` pins cores as well. */
export const quotaMechanismSchema = z.enum(['cgroup-v2', 'cgroup-v1', 'affinity', 'threads']);
export type QuotaMechanism = z.infer<typeof quotaMechanismSchema>;

/** How shares of a GPU were held: percentages by MPS, slices of a partitioned GPU (MIG), or always the whole. */
export const gpuSharingSchema = z.enum(['mps', 'mig', 'whole']);
export type GpuSharing = z.infer<typeof gpuSharingSchema>;

/** One measured config. */
export const cellSchema = configSchema.extend({
  threads: z.number().int().min(1),
  spinning: z.boolean(),
  /** One full batch through the batch executor: tensors in, tensors out. */
  latencyMs: latencySchema,
  samples: z.number().int().min(1),
  warmupRuns: z.number().int().nonnegative(),
  /** Whether the mean met the stated confidence within the time allowed. */
  converged: z.boolean(),
  throughputPerSecond: positive,
  /** CPU time one batch takes, in ms: what it costs, whatever the quota. */
  cpuMs: z.number().nonnegative(),
  /** JSON of one row to tensors, and back, in ms under this quota: the price of the REST interface. */
  codecMs: z.object({ decode: z.number().nonnegative(), encode: z.number().nonnegative() }),
  peakMemoryBytes: z.number().int().nonnegative(),
  /** Opening the model file to a session that can run. */
  loadMs: z.number().nonnegative(),
  /** Starting the process to its first answer: the cold start without the platform's own share. */
  firstAnswerMs: z.number().nonnegative(),
  /** From `cpu.stat` while measuring; null where the kernel does not tell. */
  throttling: z
    .object({ periods: z.number(), throttledPeriods: z.number(), throttledMs: z.number() })
    .nullable(),
  /** Of the GPU while measuring, memory beyond what was used before; only where a share was used and its driver told. */
  gpu: z
    .object({
      memoryBytes: z.number().int().nonnegative(),
      powerWatts: z.number().nonnegative().nullable(),
      utilizationPercent: z.number().min(0).max(100).nullable(),
    })
    .optional(),
});
export type Cell = Readonly<z.infer<typeof cellSchema>>;

/** The latency–resource table of one model on one kind of host. */
export const profileTableSchema = z.object({
  schema: z.literal(PROFILE_SCHEMA),
  createdAt: z.iso.datetime(),
  tool: z.string(),
  model: modelManifestSchema,
  host: hostSchema,
  engine: z.string(),
  quota: z.object({
    mechanism: quotaMechanismSchema,
    /** CFS period; shorter ones make latency under a fractional quota smoother. Null without a quota. */
    periodMicros: z.number().int().positive().nullable(),
    /** Where a cell has a share of a GPU, and it was measured here. */
    gpuSharing: gpuSharingSchema.optional(),
  }),
  /** What each cell's mean was measured to: `level` 0.95, `relativeError` 0.03 = ±3 % with 95 % confidence. */
  confidence: z.object({ level: z.number().min(0).max(1), relativeError: positive }),
  cells: z.array(cellSchema).min(1),
});
export type ProfileTable = Readonly<z.infer<typeof profileTableSchema>>;
