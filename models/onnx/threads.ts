/** How onnxruntime uses the cores of a quota. */
export interface Threading {
  /** Threads that share the work of one operator. */
  readonly threads: number;
  /** Whether they burn CPU while they wait for work. */
  readonly spinning: boolean;
}

/**
 * The thread rule: as many threads as the quota has cores, rounded up, and none of them spins.
 *
 * Threads beyond the quota only throttle each other (two at 100 % lose to one). A thread that spins is charged
 * for it: under a fractional quota it takes the time the working thread needed. Where the profiler has measured a better choice for a
 * quota, the table says so, and the engine is opened with that instead.
 */
export function threadRule(cpuMillicores: number): Threading {
  return { threads: Math.max(1, Math.ceil(cpuMillicores / 1000)), spinning: false };
}
