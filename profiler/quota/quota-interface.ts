import type { QuotaMechanism } from '../../profiles/table.ts';

/** What the kernel counted since the quota was made. */
export interface Throttling {
  /** CFS periods in which the processes wanted to run. */
  readonly periods: number;
  /** Those of them in which the quota was used up before the period was over. */
  readonly throttledPeriods: number;
  /** Time spent waiting for the next period, summed over cores. */
  readonly throttledMs: number;
  /** CPU time used, user and system, of all processes that ever ran under the quota. */
  readonly cpuMs: number;
}

/** A limit on CPU that processes are put under. */
export interface Quota {
  /** As given to {@link Quotas.create}, made safe for a file name. */
  readonly name: string;
  readonly mechanism: QuotaMechanism;
  /** The CFS period in force; null where no quota is held. */
  readonly periodMicros: number | null;
  /**
   * Puts a process with all its threads under the quota; what it starts from then on is under it as well.
   *
   * @throws InflessError PLATFORM_FAILED when there is no such process or the kernel refuses.
   */
  attach(pid: number): Promise<void>;
  /** Null where the kernel does not tell: `affinity`, `threads`, and a quota that was removed. */
  stat(): Promise<Throttling | null>;
  /** Processes under it now; none where the mechanism keeps no account of them (`affinity`, `threads`). */
  processes(): Promise<readonly number[]>;
  /**
   * Gives the quota back, once its processes have ended. Removing one that is gone already does nothing.
   *
   * @throws InflessError PLATFORM_FAILED when processes still run under it after about two seconds.
   */
  remove(): Promise<void>;
}

/** The quotas of this machine, through the best mechanism that really works here. */
export interface Quotas {
  readonly mechanism: QuotaMechanism;
  /** Why no stronger mechanism was taken, as a sentence for the user; undefined where the quota is real. */
  readonly weaknessReason: string | undefined;
  /**
   * A new quota of that much CPU. A left-over of the same name with no process in it is taken over.
   *
   * @throws InflessError PLATFORM_FAILED when the kernel refuses or the name is in use.
   */
  create(name: string, cpuMillicores: number): Promise<Quota>;
  /** The quota of that name from an earlier life of this program, if the kernel still has it. */
  adopt(name: string): Promise<Quota | undefined>;
  /** Names of ours that exist, whoever made them; each can be adopted. */
  list(): Promise<string[]>;
}
