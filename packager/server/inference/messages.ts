import { type ErrorCode, InflessError } from '../../../models/base/errors.ts';
import type { Threading } from '../../../models/engines/engine.ts';
import type { RequestLike } from '../../../models/manifest/example.ts';
import type { BatchingChoice, ModelManifest } from '../../../models/manifest/manifest.ts';
import type { BatchResponse, InferenceRequest } from '../instance-protocol.ts';

/** What the inference thread is started with. */
export interface InferenceOptions {
  readonly model: string;
  readonly modelName: string | undefined;
  readonly manifest: string | undefined;
  /** A request to warm up with: a file, or JSON. */
  readonly sample: string | undefined;
  readonly shapes: RequestLike['shapes'];
  readonly batchAxes: RequestLike['batchAxes'];
  readonly batching: BatchingChoice;
  /** Every so many batches, one is run again request by request; 0: never. */
  readonly batchAudit: number;
  readonly cpuMillicores: number;
  readonly gpuPercent: number;
  readonly provider: string | undefined;
  /** As measured to be best; without, the engine's own rule. */
  readonly threading: Threading | undefined;
  readonly maxBatch: number;
  readonly maxBodyBytes: number;
  readonly maxRows: number;
  readonly maxFrameRows: number;
  readonly maxAnswerBytes: number;
}

/** What the thread is given beside: one counter of runs of the model, which both threads see. */
export interface InferenceThreadData extends InferenceOptions {
  readonly runs: Int32Array<SharedArrayBuffer>;
}

/** The model once its session is open. */
export interface LoadedModel {
  readonly name: string;
  readonly manifest: ModelManifest;
  readonly threads: number;
  /** 1 where the model cannot batch, whatever was asked for. */
  readonly maxBatch: number;
  readonly loadMs: number;
}

/** How long a batch of `requests` one-row requests took from bytes to bytes. */
export interface WarmupRun {
  readonly requests: number;
  readonly durationMs: number;
}

export type ToInference =
  | {
      readonly type: 'run';
      readonly id: number;
      readonly requests: readonly InferenceRequest[];
      /** See {@link Cancellation}. */
      readonly cancelled: SharedArrayBuffer;
    }
  /**
   * Closes the session after what was sent before and ends the thread: it must never be terminated, see
   * worker.
   */
  | { readonly type: 'close' };

export type FromInference =
  | { readonly type: 'loaded'; readonly model: LoadedModel }
  /** The first generated request was answered: end of the cold start. */
  | { readonly type: 'answered' }
  | { readonly type: 'ready'; readonly warmup: readonly WarmupRun[] }
  /** A batch was run again. `difference`: what was another than alone, if anything. */
  | { readonly type: 'audited'; readonly difference: string | undefined }
  /** Sent once, when a run shows that requests of this model cannot share runs. */
  | { readonly type: 'stopped-batching'; readonly reason: string }
  /** Generated inputs did not go through; real ones may. */
  | { readonly type: 'warmup-failed'; readonly reason: string }
  | { readonly type: 'failed'; readonly error: ErrorRecord }
  | { readonly type: 'ran'; readonly id: number; readonly reply: BatchResponse }
  | { readonly type: 'defect'; readonly stack: string };

/** An InflessError as it crosses threads: structured clone keeps neither its class nor its code. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string | undefined;
}

export function toErrorRecord(error: unknown): ErrorRecord | undefined {
  if (!(error instanceof InflessError)) return undefined;
  return { code: error.code, message: error.message, remedy: error.remedy };
}

export function fromErrorRecord({ code, message, remedy }: ErrorRecord): InflessError {
  return new InflessError(code, message, remedy === undefined ? {} : { remedy });
}
