/** An instance that could start a batch now. */
export interface IdleServer<K> {
  readonly key: K;
  readonly maxBatch: number;
  /** Time a batch of `rows` takes there, in ms, at the percentile of the SLO; non-decreasing in `rows`. */
  executionMs(rows: number): number;
}

/** An instance that runs a batch. */
export interface BusyServer {
  /** When it is expected to be done; it may lie in the past, for one that takes longer. */
  readonly idleAtMs: number;
  executionMs(rows: number): number;
}

export function busyWith<K>(server: IdleServer<K>, rows: number, nowMs: number): BusyServer {
  const idleAtMs = nowMs + server.executionMs(rows);
  return { idleAtMs, executionMs: (count) => server.executionMs(count) };
}

/**
 * The server that `waiting` requests fill best, among those that answer the most urgent one in time: large
 * ones stay free for the burst that needs them. −1 when none is quick enough.
 */
export function bestFill<K>(free: readonly IdleServer<K>[], waiting: number, slackMs: number): number {
  let best = -1;
  for (let index = 0; index < free.length; index += 1) {
    if (free[index]!.executionMs(1) > slackMs) continue;
    if (best < 0 || compareFill(free[index]!, free[best]!, waiting) > 0) best = index;
  }
  return best;
}

function compareFill<K>(a: IdleServer<K>, b: IdleServer<K>, waiting: number): number {
  const rowsA = Math.min(waiting, a.maxBatch);
  const rowsB = Math.min(waiting, b.maxBatch);
  return (
    rowsA / a.maxBatch - rowsB / b.maxBatch || rowsA - rowsB || b.executionMs(rowsB) - a.executionMs(rowsA)
  );
}

export function largest<K>(free: readonly IdleServer<K>[]): number {
  return free.reduce((best, server, index) => (server.maxBatch > free[best]!.maxBatch ? index : best), 0);
}
