import type { BatchedRequest, BatchedResponse } from '../../../packager/server/instance-protocol.ts';

/** A request that has no answer yet. */
export interface Pending {
  readonly request: BatchedRequest;
  readonly arrivalMs: number;
  readonly resolve: (response: BatchedResponse) => void;
  readonly reject: (error: Error) => void;
  /** Batches that failed under it. */
  attempts: number;
}
