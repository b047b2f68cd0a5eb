import type { Waiting } from '../../models/batching/deadline-queue.ts';
import type { InferenceRequest, InferenceResponse } from '../../packager/server/instance-protocol.ts';

/** How the one who submitted a request hears of it: one of the two, once. */
export interface Completion {
  readonly resolve: (response: InferenceResponse) => void;
  readonly reject: (error: Error) => void;
}

/** How long the parts of a request's way took, in ms, and what ran with it. */
export interface ServedTimes {
  /** From arrival until its batch began. */
  readonly queueMs: number;
  /** Reading and writing the JSON of its batch. */
  readonly codecMs: number;
  readonly executeMs: number;
  /** The rest of the way to the instance and back. */
  readonly transferMs: number;
  /** Requests of its batch. */
  readonly requests: number;
}

/**
 * A request on its way through a function's dispatcher, or through several when it is redeployed meanwhile.
 */
export interface QueuedRequest extends Waiting, Completion {
  readonly request: InferenceRequest;
  /** Told before it is answered, where somebody wants to know. */
  readonly onServed?: ((times: ServedTimes) => void) | undefined;
  /** Set by the dispatcher that queues it, by its own function's SLO and patience. */
  deadlineMs: number;
  expiresAtMs: number;
  /** Batches that failed under it. */
  attempts: number;
  /** It was in a batch when an instance died: it runs alone until it is answered. */
  isSuspect: boolean;
  /** Its client hung up: no one is waiting for the answer. */
  isAbandoned: boolean;
}

export function queuedRequest(
  request: InferenceRequest,
  arrivalMs: number,
  { resolve, reject }: Completion,
  onServed?: (times: ServedTimes) => void,
): QueuedRequest {
  return {
    request,
    onServed,
    resolve,
    reject,
    arrivalMs,
    deadlineMs: Infinity,
    expiresAtMs: Infinity,
    attempts: 0,
    isSuspect: false,
    isAbandoned: false,
  };
}
