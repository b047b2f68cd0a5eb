import type { Clock } from '../../models/base/clock.ts';
import type { ProgressEvent } from './progress.ts';

/** How to deal with a registry. */
export interface RegistryOptions {
  /** Speak plain HTTP; meant for registries on this machine. */
  readonly insecure?: boolean;
  /** Ends what is under way; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Paces the retries; the system's by default. */
  readonly clock?: Clock;
  /** Where logins and proxies are looked up; the process's own by default. */
  readonly environment?: NodeJS.ProcessEnv;
}
