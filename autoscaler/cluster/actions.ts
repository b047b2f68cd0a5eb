import type { Config } from '../../profiles/config.ts';

/**
 * Why an instance is started:
 *
 * - `growth`: more is asked for than its function's instances carry.
 * - `minimum`: its owner set `scale.min`, whatever the rate.
 * - `keep-alive`: nothing is asked for, but the next request is to find an instance.
 * - `replacement`: it takes the place of others that run: the set is cheaper, or the others are obsolete.
 */
export type StartReason = 'growth' | 'minimum' | 'keep-alive' | 'replacement';

/**
 * Why an instance is stopped:
 *
 * - `release`: what is left carries the demand, and its function's target does not contain it.
 * - `idle`: nothing was asked for, for so long that it is not worth keeping.
 * - `obsolete`: it is of an older deployment, of a config that is no offer any more, or on a node where it
 *   may not be.
 * - `preemption`: it makes room for what another instance does better there.
 */
export type StopReason = 'release' | 'idle' | 'obsolete' | 'preemption';

export interface StartAction {
  readonly type: 'start';
  readonly functionName: string;
  readonly reason: StartReason;
  readonly config: Config;
  readonly node: string;
  /** Which of the node's GPUs; absent without a GPU share. */
  readonly gpu?: number;
}

export interface StopAction {
  readonly type: 'stop';
  readonly functionName: string;
  readonly reason: StopReason;
  readonly id: string;
  readonly config: Config;
  /** Of a preemption: the function that gets the room. */
  readonly makesRoomFor?: string;
}

/** One step that a scaling decision takes. */
export type Action = StartAction | StopAction;

export type Reason = Action['reason'];
