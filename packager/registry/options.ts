import type { Clock } from '../../models/base/clock.ts';
import type { Descriptor } from '../oci/schema.ts';

/** How to deal with a registry. */
export interface RegistryOptions {
  /** Speak plain HTTP; meant for registries on this machine. */
  readonly insecure?: boolean;
  /** Ends what is under way; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Longest silence before the answer to a question; the default is for who pushes large images. */
  readonly answerTimeoutMs?: number;
  /** How often what may pass is tried; default 6. */
  readonly tries?: number;
  /** Paces the retries; the system's by default. */
  readonly clock?: Clock;
  /** Where logins and proxies are looked up; the process's own by default. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** What a person watching a push or pull may want to know. */
export type ProgressEvent =
  /** A blob is on its way: `sentBytes` of `descriptor.size`, fewer than before when it had to begin again. */
  | { readonly type: 'sending'; readonly descriptor: Descriptor; readonly sentBytes: number }
  /**
   * A blob or manifest is in the registry: it was there, was taken over from another repository, or is pushed
   * now.
   */
  | { readonly type: 'done'; readonly descriptor: Descriptor; readonly outcome: TransferResult }
  /** Something failed that may pass; the next try is in `waitMs`. */
  | { readonly type: 'retry'; readonly reason: string; readonly waitMs: number };

export type TransferResult = 'present' | 'mounted' | 'pushed';
