import type { Config } from '../config.ts';
import type { ProfileView } from '../lookup.ts';
import type { FullBatch } from './capacity.ts';

/** Gateway to instance and back on one machine, before anything was measured. */
export const DEFAULT_TRANSPORT_MS = 2;
/**
 * The same where the table tells a row's way over HTTP: what is left is the queue's and the threads' turns.
 */
const REST_OF_WAY_MS = 0.5;
/** How much longer that takes in the tail: timers, collected garbage, and the kernel's turns. */
const WAY_TAIL_MS = 1.5;

/** What running says about a config, against what its table says. */
export interface Observation {
  /** Measured over tabulated execution time. */
  readonly slowdown: number;
  /** Decoding and encoding one row; by default the table's. */
  readonly codecMsPerRequest?: number;
  /**
   * From the gateway's dispatch to its reply, without the instance's own work and what the table says of its
   * rows' way, per batch.
   */
  readonly transportMs: number;
}

/** Slowdowns are told in steps, so that noise does not move the plan, … */
export const SLOWDOWN_STEP = 0.1;
/** … and the one told may be so many steps from the one seen. */
export const STEP_REACH = 0.75;

/** What one row takes beside running, by the table. */
export interface RequestCost {
  /** Decoding and encoding its JSON. */
  readonly codecMs: number;
  /** Its way over HTTP. */
  readonly transferMs: number;
  /** Of a batch: the rest of its way. Default: {@link DEFAULT_TRANSPORT_MS}. */
  readonly transportMs?: number;
}

/** Of no config in particular. */
export const NO_COST: RequestCost = { codecMs: 0, transferMs: 0 };

export function tabulatedRequestCost(view: ProfileView, config: Config): RequestCost {
  const { decode, encode } = view.codecMs(config);
  const transferMs = view.transferMs(config);
  const rest = transferMs > 0 ? { transportMs: REST_OF_WAY_MS } : {};
  return { codecMs: decode + encode, transferMs, ...rest };
}

/**
 * How long `rows` rows keep an instance busy that runs them in `executionMs`: bringing each over HTTP and
 * reading and writing its JSON take CPU also where a GPU does the rest, and then there is the way there and
 * back.
 *
 * @param executionMs by the table, in the mean or in the tail; `seen` corrects it, as it corrects the rest
 */
export function busyMs(
  view: ProfileView,
  config: Config,
  rows: number,
  { executionMs, isTail }: { readonly executionMs: number; readonly isTail: boolean },
  seen?: Observation,
): number {
  const tabulated = tabulatedRequestCost(view, config);
  const msPerRow = (seen?.codecMsPerRequest ?? tabulated.codecMs) + tabulated.transferMs;
  const tailMs = isTail && tabulated.transportMs !== undefined ? WAY_TAIL_MS : 0;
  const transportMs = (seen?.transportMs ?? tabulated.transportMs ?? DEFAULT_TRANSPORT_MS) + tailMs;
  return executionMs * (seen?.slowdown ?? 1) + rows * msPerRow + transportMs;
}

/**
 * What running says, read so that no more is planned with than was seen: where it is quicker than the table,
 * and a predicted cell mostly is, since its table has it as slow as it may be.
 */
function cautious(seen: Observation | undefined): Observation | undefined {
  if (seen === undefined || seen.slowdown >= 1) return seen;
  return { ...seen, slowdown: Math.min(1, seen.slowdown + STEP_REACH * SLOWDOWN_STEP) };
}

/** @param percentile of the SLO; below the median the median counts */
export function fullBatch(
  view: ProfileView,
  config: Config,
  percentile: number,
  seen?: Observation,
): FullBatch {
  const { batch } = config;
  const counted = cautious(seen);
  const busy = (executionMs: number, isTail: boolean): number =>
    busyMs(view, config, batch, { executionMs, isTail }, counted);
  const meanMs = busy(view.meanMs(config), false);
  const tailMs = busy(view.executionMs(config, batch, percentile / 100), true);
  return { batch, meanMs, tailMs: Math.max(meanMs, tailMs) };
}
