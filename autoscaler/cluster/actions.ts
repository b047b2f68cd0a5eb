import type { Config } from '../../profiles/config.ts';

export interface StartDecision {
  readonly functionName: string;
  readonly config: Config;
  readonly node: string;
  /** Which of the node's GPUs; absent without a GPU share. */
  readonly gpu?: number;
}

export interface StopDecision {
  readonly id: string;
  readonly functionName: string;
}
