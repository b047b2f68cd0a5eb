import type { Config } from '../../profiles/config.ts';
import type { NodeCapacity } from './node.ts';

export type InstancePhase = 'starting' | 'ready' | 'draining';

/** One running serving process or pod, as its platform sees it. */
export interface Instance {
  readonly id: string;
  readonly functionName: string;
  /** Version of the workload it was started with: tells an adopted instance of an older deployment. */
  readonly version: string;
  readonly config: Config;
  readonly node: string;
  /** Which of the node's GPUs its share is of, as an index into {@link NodeCapacity.devices}, where known. */
  readonly gpu?: number;
  readonly phase: InstancePhase;
  /** Where it answers; known from `ready` on. */
  readonly url: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly readyAtMs: number | undefined;
}

/** An instance that can take batches. */
export interface InstanceEndpoint {
  readonly id: string;
  readonly config: Config;
  readonly url: string;
}
