import { MAX_DELAY_MS } from '../../models/base/clock.ts';
import type { Config } from '../../profiles/config.ts';
import type { Cell } from '../../profiles/table.ts';
import type { Warmth } from '../cell/steady-state.ts';

/** How far a sweep is. */
export interface SweepState {
  /** Cells that need no more work: measured, resumed or failed. */
  readonly done: number;
  readonly total: number;
  readonly remainingMs: number;
}

/** What happens while a model is profiled, in order. */
export type ProfileEvent =
  /** Something the user should know about the circumstances, as a sentence. */
  | { readonly type: 'note'; readonly text: string }
  | ({ readonly type: 'cell-started'; readonly config: Config } & SweepState)
  | ({ readonly type: 'cell-measured'; readonly cell: Cell; readonly warmth: Warmth } & SweepState)
  /** What is under way beside cells, as a phrase. */
  | { readonly type: 'step'; readonly text: string }
  /** The config is left out of the table. */
  | ({ readonly type: 'cell-failed'; readonly config: Config; readonly reason: string } & SweepState)
  | { readonly type: 'saved'; readonly file: string };

export type ProfileListener = (event: ProfileEvent) => void;

/** How long all measuring may take together, from its beginning. */
export class TimeLimit {
  readonly #endMs: number;
  /** Aborts when the time is up. */
  readonly signal: AbortSignal | undefined;

  /** @param maxTimeMs infinite where there is no limit */
  constructor(maxTimeMs = Number.POSITIVE_INFINITY) {
    this.#endMs = performance.now() + maxTimeMs;
    // a timer takes no more; whoever waits that long needs no limit
    this.signal = maxTimeMs <= MAX_DELAY_MS ? AbortSignal.timeout(Math.ceil(maxTimeMs)) : undefined;
  }

  get leftMs(): number {
    return this.#endMs - performance.now();
  }

  get isOver(): boolean {
    return this.leftMs <= 0;
  }

  /** A limit of its own for a part of what is left. */
  part(share: number): TimeLimit {
    return new TimeLimit(Math.max(0, share * this.leftMs));
  }
}

/** What a cell takes beside its own time: starting a process, loading the model, timing the codec. */
const OVERHEAD_MS = 1000;

/**
 * A guess at how long the rest of a sweep takes. Cells come in random order, so those finished are a fair
 * sample of those to come: their mean counts, with the nominal time of a cell as one more of them, so that
 * the first does not decide alone.
 *
 * @param finishedMs how long each finished cell took, all in
 */
export function remainingMs(finishedMs: readonly number[], remaining: number, cellTimeMs: number): number {
  const total = finishedMs.reduce((sum, cellMs) => sum + cellMs, cellTimeMs + OVERHEAD_MS);
  return (remaining * total) / (finishedMs.length + 1);
}
