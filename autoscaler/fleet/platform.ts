import type { Resources } from '../../models/base/resources.ts';
import type { Config } from '../../profiles/config.ts';
import type { Instance } from '../cluster/instance.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import type { Workload } from '../functions/deployment.ts';

/** What to start, in the platform's own terms resolved already: which model, with how much, where. */
export interface StartRequest {
  readonly id: string;
  readonly functionName: string;
  readonly config: Config;
  readonly node: string;
  /** Which of the node's GPUs to take the share from; absent without one. */
  readonly gpu?: number;
  /** What it is planned to need. */
  readonly resources: Resources;
  readonly workload: Workload;
}

/** How long things may take before an instance is given up. */
export interface InstanceTimeouts {
  /** From the start to ready. */
  readonly startTimeoutMs: number;
  /** Without being ready, or without a word, once it was. */
  readonly unreadyMs: number;
}

export type InstanceEvent =
  | { readonly type: 'changed'; readonly instance: Instance }
  /** It is no more. `expected` when we stopped it; otherwise `reason` says what is known. */
  | {
      readonly type: 'gone';
      readonly instance: Instance;
      readonly expected: boolean;
      readonly reason: string;
      /** The reason without anything that the instance has printed, where that is in it: for everybody. */
      readonly publicReason?: string;
    };

/** What one instance has used and holds. */
export interface InstanceUsage {
  /** CPU time since it started. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** What a GPU does now; null is what its driver does not tell. */
export interface GpuReading {
  readonly node: string;
  readonly uuid: string;
  /** Of the time that something computed on it. */
  readonly utilizationPercent: number | null;
  readonly usedMemoryBytes: number | null;
  readonly powerWatts: number | null;
}

/** A line that an instance has printed. */
export interface LogLine {
  readonly instanceId: string;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly text: string;
}

export interface LogQuery {
  /** At most so many of the newest lines of each instance to begin with; default: all. */
  readonly tailLines?: number;
  /** Only lines from this moment on, in ms since the epoch. */
  readonly sinceMs?: number;
  /** Goes on with what is printed from now on, by instances to come as well, until `signal`. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/**
 * Where instances run. Local processes, Kubernetes and the simulator are three small implementations; a
 * platform starts, stops and reports, it decides nothing.
 */
export interface Platform {
  readonly name: string;
  /**
   * Brings up the connection and adopts what still runs from an earlier life; each adopted instance is told
   * as `changed` before this resolves.
   */
  open(listener: (event: InstanceEvent) => void): Promise<void>;
  nodes(): Promise<readonly NodeCapacity[]>;
  /** Everything that exists now, adopted instances included. */
  instances(): readonly Instance[];
  /**
   * Accepts a start: the instance is then among {@link instances}, and was told as `changed` before this
   * resolves. Readiness, or failure as `gone`, arrives as an event, as does every other change of its phase;
   * `gone` is the last event of an instance, and comes once. So who listens knows them all without asking.
   *
   * @throws InflessError INVALID_INPUT for an id in use or an unknown node, PLATFORM_FAILED when it can't be
   * accepted.
   */
  start(request: StartRequest): Promise<void>;
  /**
   * Takes an instance out of service: what is in flight finishes first, for at most `graceMs`. Resolves when
   * that has begun (phase `draining`); `gone` tells the end. For an instance that is draining or gone it does
   * nothing.
   */
  stop(id: string, graceMs: number): Promise<void>;
  /** Undefined where the platform cannot tell, or the instance is gone. */
  usage(id: string): Promise<InstanceUsage | undefined>;
  /** What the GPUs of its nodes do, where it is the one to tell. */
  gpus?(): readonly GpuReading[];
  /**
   * What the instances of a function print, those that ended a short while ago included where it is still
   * known.
   */
  logs(functionName: string, query: LogQuery): AsyncIterable<LogLine>;
  /**
   * `leave` instances running for the next autoscaler to adopt, or `stop` them all and wait until they are
   * gone.
   */
  close(mode: 'leave' | 'stop'): Promise<void>;
}
