/**
 * What the gateway and an instance say to each other beside the public inference protocols.
 *
 * - `GET /_/health`: 200 while the process lives.
 * - `GET /_/ready`: 200 with a {@link ReadyReport} once the model has answered its first batch, else 503.
 * - `POST /_/batch`: requests that the gateway decided to run together, as one frame (see batch-frame.ts). A
 *   frame of `maxBatch` bodies of the largest size is taken, one frame at a time. Each request is answered
 *   alone inside the reply; another status than 200 is about the frame or the instance as a whole.
 */
import { z } from 'zod';
import type { Headers } from '../../models/protocols/protocol.ts';

export const HEALTH_PATH = '/_/health';
export const READY_PATH = '/_/ready';
export const BATCH_PATH = '/_/batch';

/** What an instance says of itself when it is ready. */
export const readyReportSchema = z.object({
  instance: z.string(),
  model: z.string(),
  digest: z.string(),
  maxBatch: z.number().int(),
  cpuMillicores: z.number().int(),
  threads: z.number().int(),
  loadMs: z.number(),
  firstAnswerMs: z.number(),
  /** Runs of the model so far: as long as it does not change, the inference thread may be stuck. */
  progress: z.number().int().optional(),
});
export type ReadyReport = z.infer<typeof readyReportSchema>;

/** One request of a batch, as it came in at the gateway: its bytes are not looked at there. */
export interface InferenceRequest {
  /** Path and query below the function, e.g. `/` or `/v1/models/m:predict`. */
  readonly path: string;
  readonly contentType: string;
  /** Those that its protocol reads beside the content type. */
  readonly headers?: Headers;
  readonly body: Uint8Array;
}

export interface InferenceResponse {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Headers;
  readonly body: Uint8Array;
}

/** How long the parts of a batch took inside the instance. */
export interface BatchTiming {
  readonly decodeMs: number;
  readonly executeMs: number;
  readonly encodeMs: number;
  /** Rows that ran: a request may carry several. */
  readonly rows: number;
}

export interface BatchResponse {
  readonly responses: readonly InferenceResponse[];
  readonly timing: BatchTiming;
  /**
   * What showed that requests cannot share runs, so that these ran one by one: an output did not have the
   * rows that went in. Later requests should be sent one at a time. The timing is not that of a batch.
   */
  readonly ranAlone?: string;
}

/**
 * Set for a process whose starter says `{ type: 'kept' }` by IPC once whoever comes after it would find the
 * process: if the channel closes before, the process ends.
 */
export const HELD_VARIABLE = 'INFLESS_HELD';

/**
 * Environment of a serving process. All are optional except the model; `serverSettings` (settings.ts) reads
 * and validates them.
 */
export const SERVER_ENVIRONMENT = {
  /** Model file or zoo name. */
  model: 'INFLESS_MODEL',
  /** Name under `/v1/models/`; default: the manifest's. */
  modelName: 'INFLESS_MODEL_NAME',
  /** File that says what the model is: spares running it at each start to find out. */
  manifest: 'INFLESS_MANIFEST',
  /** A request to make up others like: a file, or JSON as TensorFlow Serving takes it. */
  sample: 'INFLESS_SAMPLE',
  /** Sizes of inputs by name, as JSON. */
  shapes: 'INFLESS_SHAPES',
  /** The axis along which rows lie, or axes by the names of inputs as JSON. */
  batchAxis: 'INFLESS_BATCH_AXIS',
  instanceId: 'INFLESS_INSTANCE_ID',
  host: 'INFLESS_HOST',
  /**
   * 0 picks a free port; it is told through `process.send({ type: 'listening', port })` where there is IPC.
   */
  port: 'INFLESS_PORT',
  cpuMillicores: 'INFLESS_CPU_MILLICORES',
  gpuPercent: 'INFLESS_GPU_PERCENT',
  /** What of the engine runs a share of a GPU: `cuda`, `tensorrt`, …; default: cuda. */
  provider: 'INFLESS_PROVIDER',
  maxBatch: 'INFLESS_MAX_BATCH',
  /** `trust`: share runs although it is not proven that rows do not depend on each other. */
  batching: 'INFLESS_BATCHING',
  /** Every so many batches, one is run again row by row and compared; 0 = never. */
  batchAudit: 'INFLESS_BATCH_AUDIT',
  sloMs: 'INFLESS_SLO_MS',
  /** Profile table file: lets a process that runs alone know how long a batch takes. */
  profile: 'INFLESS_PROFILE',
  queueLimit: 'INFLESS_QUEUE_LIMIT',
  maxBodyBytes: 'INFLESS_MAX_BODY_BYTES',
  /** Most rows of a request. */
  maxRows: 'INFLESS_MAX_ROWS',
  maxAnswerBytes: 'INFLESS_MAX_ANSWER_BYTES',
  /** Longest a request may wait before it is answered 504. */
  maxWaitMs: 'INFLESS_MAX_WAIT_MS',
  /** On SIGTERM: how long what is queued may still take. */
  drainMs: 'INFLESS_DRAIN_MS',
  /**
   * Exit when no one asked `/_/ready` for this long; 0 = never. So an instance cannot outlive its autoscaler
   * for ever.
   */
  orphanMs: 'INFLESS_ORPHAN_MS',
  /**
   * Folder with the function's secrets, each a file of its name; unset where it has none. Not for the server
   * itself.
   */
  secrets: 'INFLESS_SECRETS_DIR',
} as const;
