import type { Vector } from '../../models/base/resources.ts';
import type { Config } from '../../profiles/config.ts';
import type { NodeCapacity } from './node.ts';

/** Where an instance is and what it holds there. */
export interface Placement {
  readonly config: Config;
  readonly node: string;
  /** Which of the node's GPUs its share is of, where it has one and that is known. */
  readonly gpu?: number;
  readonly needs: Vector;
}

/** An instance that exists and is not being stopped. */
export interface PlacedInstance extends Placement {
  readonly id: string;
  readonly functionName: string;
  readonly ready: boolean;
  /** Of an older deployment: it serves until successors are ready, but nothing is counted on it. */
  readonly outdated: boolean;
}

/** An instance on its way out: it serves nothing any more but still holds its resources. */
export interface TerminatingInstance extends Placement {
  /** Undefined where its function is not there any more. */
  readonly functionName?: string;
}

export interface ClusterSnapshot {
  readonly nodes: readonly NodeCapacity[];
  readonly instances: readonly PlacedInstance[];
  readonly leaving: readonly TerminatingInstance[];
}
