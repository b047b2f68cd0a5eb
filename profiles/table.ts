import { z } from 'zod';
import { modelManifestSchema } from '../models/manifest/manifest.ts';
import { configSchema } from './config.ts';
import { hostSchema } from './host-schema.ts';

export const PROFILE_SCHEMA = 'infless.io/profile/v1';

const positive = z.number().positive();

/** Percentiles that a table holds, and the one beyond that look-ups are asked for. */
export const percentileSchema = z.enum(['p95', 'p99', 'p99.9']);

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
  /** Where the true p99 is, with the stated confidence: of few samples, p99 itself is about their slowest. */
  p99Interval: z.tuple([positive, positive]).optional(),
  /** Percentiles beyond what so many samples can tell. */
  extrapolated: z.array(percentileSchema).optional(),
});
export type Latency = Readonly<z.infer<typeof latencySchema>>;

/**
 * How a quota was held. `threads` means: not at all, only the thread count was set; `affinity` pins cores as
 * well.
 */
export const quotaMechanismSchema = z.enum(['cgroup-v2', 'cgroup-v1', 'affinity', 'threads']);
export type QuotaMechanism = z.infer<typeof quotaMechanismSchema>;

/**
 * How shares of a GPU are held: percentages by MPS, slices of a partitioned GPU (MIG), equal turns, or always
 * the whole. As many percent of one kind are not those of another: a table is of one kind, and is planned
 * with where that is had.
 */
export const gpuSharingSchema = z.enum(['mps', 'mig', 'time-slicing', 'whole']);
export type GpuSharing = z.infer<typeof gpuSharingSchema>;

/** What ran the cells that have a share of a GPU. */
export const acceleratorSchema = z.object({
  /** Of the engine: `cuda`, `tensorrt`, … */
  provider: z.string(),
  gpu: z.string(),
  driverVersion: z.string().nullable(),
  /**
   * Operators that the provider left to the CPU, with their shares of a run's time, and those shares
   * together; null where the engine does not tell. Of the batch, smallest or largest, where they took more.
   */
  cpuNodes: z
    .object({
      share: z.number().min(0),
      operators: z.array(z.object({ operator: z.string(), share: z.number().min(0) })),
    })
    .nullable(),
});
export type Accelerator = Readonly<z.infer<typeof acceleratorSchema>>;

/** How the engine shares a batch's work among threads. */
export const threadingSchema = z.object({ threads: z.number().int().min(1), spinning: z.boolean() });

/** From `cpu.stat` while measuring. */
const throttlingSchema = z.object({
  periods: z.number(),
  throttledPeriods: z.number(),
  throttledMs: z.number(),
});

/** What was found wrong with a measurement, and stayed so when it was measured again; see profiler/checks. */
export const verdictSchema = z.enum([
  'batch-not-filled',
  'noisy-host',
  'drifting',
  'not-warm',
  'non-monotone',
  'gpu-throttled',
  'gpu-shared',
  'throttled',
  'spinning',
]);
export type Verdict = z.infer<typeof verdictSchema>;

/** How fast the host was while a cell was measured: see profiler/cell/reference-load.ts. */
export const yardstickSchema = z.object({
  /** CPU time (on a GPU: time) of a single row, as it was in between. */
  meanMs: positive,
  /** Half the confidence interval of the cell's mean over the yardstick's, as a share of it. */
  relativeError: positive,
});

/** The same config under another CFS period; see `quota.periodMicros` of the table. */
export const otherPeriodSchema = z.object({
  periodMicros: z.number().int().positive(),
  latencyMs: latencySchema,
  samples: z.number().int().nonnegative(),
  converged: z.boolean(),
  throughputPerSecond: positive,
  throttling: throttlingSchema.nullable(),
});
export type OtherPeriod = Readonly<z.infer<typeof otherPeriodSchema>>;

/** The same config with other threads. */
export const otherThreadsSchema = threadingSchema.extend({
  latencyMs: latencySchema,
  samples: z.number().int().nonnegative(),
  cpuMs: z.number().nonnegative(),
});

/** What a serving process with this config takes and how long it needs, HTTP and bodies included. */
export const servingSchema = z.object({
  /** Most memory, with as many requests at once as make the batch full. */
  peakMemoryBytes: z.number().int().nonnegative(),
  /** Once it is ready, before its first request. */
  readyMemoryBytes: z.number().int().nonnegative().optional(),
  /** A request of one row in JSON. */
  requestBytes: z.number().int().nonnegative().optional(),
  /** A request of one row while nothing else is asked, from sending it to its answer. */
  loneRequestMs: z.object({ mean: positive, p50: positive, p99: positive }).optional(),
});

/** One config, measured or predicted. */
export const cellSchema = configSchema.extend({
  threads: z.number().int().min(1),
  spinning: z.boolean(),
  /** One full batch through the batch executor: tensors in, tensors out. */
  latencyMs: latencySchema,
  /** 0 where it was predicted. */
  samples: z.number().int().nonnegative(),
  warmupRuns: z.number().int().nonnegative(),
  /** Whether the mean met the stated confidence within the time allowed. */
  converged: z.boolean(),
  throughputPerSecond: positive,
  /** CPU time one batch takes, in ms: what it costs, whatever the quota. */
  cpuMs: z.number().nonnegative(),
  /** JSON of one row to tensors, and back, in ms under this quota: the price of the REST interface. */
  codecMs: z.object({ decode: z.number().nonnegative(), encode: z.number().nonnegative() }),
  /**
   * Bringing a request of one row to a process under this quota over HTTP and its answer back, on one
   * machine, in ms: the rest of the price of the REST interface. Older tables are without.
   */
  transferMs: z.number().nonnegative().optional(),
  peakMemoryBytes: z.number().int().nonnegative(),
  /** Opening the model file to a session that can run. */
  loadMs: z.number().nonnegative(),
  /** Starting the process to its first answer: the cold start without the platform's own share. */
  firstAnswerMs: z.number().nonnegative(),
  /** Null where the kernel does not tell. */
  throttling: throttlingSchema.nullable(),
  /** The CFS period in force, where it is not the table's: the kernel gives small quotas longer ones. */
  periodMicros: z.number().int().positive().optional(),
  /** Measured under other periods as well: only cells that may be chosen are. */
  otherPeriods: z.array(otherPeriodSchema).optional(),
  /** Measured with other threads as well. */
  otherThreads: z.array(otherThreadsSchema).optional(),
  /** Of the engine: what ran this cell, as `cpu`, `wasm`, `cuda`. */
  provider: z.string().optional(),
  serving: servingSchema.optional(),
  /**
   * Of the GPU while measuring: memory of the process, or where that is not told, beyond what was used
   * before; only where a share was used and its driver told.
   */
  gpu: z
    .object({
      memoryBytes: z.number().int().nonnegative(),
      powerWatts: z.number().nonnegative().nullable(),
      utilizationPercent: z.number().min(0).max(100).nullable(),
      /** In the mean. */
      smClockMhz: z.number().nonnegative().nullable().optional(),
      memoryClockMhz: z.number().nonnegative().nullable().optional(),
      powerLimitWatts: z.number().nonnegative().nullable().optional(),
      /** Why the clock was lower than it could be, as NVML calls it; being idle is no such reason. */
      throttleReasons: z.array(z.string()).optional(),
      /** That computed on the card as well; null where the driver does not tell. */
      otherProcesses: z.number().int().nonnegative().nullable().optional(),
    })
    .optional(),
  yardstick: yardstickSchema.optional(),
  /**
   * What its times were multiplied by, so that all cells of a table are as of one speed of the host; divided
   * by it, they are what the clock said.
   */
  speedFactor: positive.optional(),
  /**
   * Not measured but taken from the surface through the measured cells; `meanInterval` is where measuring
   * would find the mean.
   */
  predicted: z.literal(true).optional(),
  /** Only where a check failed. */
  verdicts: z.array(verdictSchema).optional(),
});
export type Cell = Readonly<z.infer<typeof cellSchema>>;

/**
 * Errors of cells as they were predicted without having been seen, as shares of what was measured: none is
 * left out.
 */
export const predictionErrorSchema = z.object({
  cells: z.number().int().min(1),
  median: z.number().nonnegative(),
  p90: z.number().nonnegative(),
  max: z.number().nonnegative(),
});
export type PredictionError = Readonly<z.infer<typeof predictionErrorSchema>>;

/** The threading that won under a quota, against what else was tried there. */
export const threadChoiceSchema = threadingSchema.extend({
  cpuMillicores: z.number().int().min(1),
  trials: z.array(
    threadingSchema.extend({
      batch: z.number().int().min(1),
      meanMs: positive,
      cpuMs: z.number().nonnegative(),
    }),
  ),
});
export type ThreadChoice = Readonly<z.infer<typeof threadChoiceSchema>>;

/**
 * What the rows were like that were measured: by the model's own fixed sizes, as the user gave them, as in a
 * sample of the user's, or guessed, so that the table may be of requests that never come.
 */
export const measuredShapeSchema = z.object({
  /** Name of an input. */
  input: z.string(),
  /** Of one row: without the batch axis, where the input has one. */
  row: z.array(z.number().int().nonnegative()),
  source: z.enum(['model', 'given', 'sample', 'guessed']),
});
export type MeasuredShape = Readonly<z.infer<typeof measuredShapeSchema>>;

/** Whether rows that run together get the answers that they get alone, and how that is known. */
export const batchingSchema = z.object({
  state: z.enum(['proven', 'declared', 'refuted']),
  reason: z.string(),
});

/** The latency–resource table of one model on one kind of host. */
export const profileTableSchema = z.object({
  schema: z.literal(PROFILE_SCHEMA),
  createdAt: z.iso.datetime(),
  tool: z.string(),
  model: modelManifestSchema,
  host: hostSchema,
  engine: z.string(),
  /**
   * Of all that decides how long a batch takes in a serving process: see conditions/serving-path.ts. Missing
   * in tables from before it was counted.
   */
  servingPath: z.number().int().positive().optional(),
  /** Of each input; older tables are without. */
  shapes: z.array(measuredShapeSchema).optional(),
  /** Of the request whose values were measured, where the user gave one. */
  sampleDigest: z.string().optional(),
  batching: batchingSchema.optional(),
  /** Where a cell has a share of a GPU, and it was measured here. */
  accelerator: acceleratorSchema.optional(),
  quota: z.object({
    mechanism: quotaMechanismSchema,
    /** CFS period; shorter ones make latency under a fractional quota smoother. Null without a quota. */
    periodMicros: z.number().int().positive().nullable(),
    /** Where a cell has a share of a GPU, and it was measured here. */
    gpuSharing: gpuSharingSchema.optional(),
  }),
  /**
   * What each cell's mean was measured to: `level` 0.95, `relativeError` 0.03 = ±3 % with 95 % confidence.
   */
  confidence: z.object({ level: z.number().min(0).max(1), relativeError: positive }),
  cells: z.array(cellSchema).min(1),
  /**
   * Where only a part of the cells was measured: how well the others are predicted, null where too few were
   * held out.
   */
  prediction: z.object({ heldOut: predictionErrorSchema.nullable() }).optional(),
  /**
   * Quotas whose threads were chosen by measuring; all others follow the default rule. Whoever serves has to
   * do the same.
   */
  threading: z.array(threadChoiceSchema).optional(),
});
export type ProfileTable = Readonly<z.infer<typeof profileTableSchema>>;
