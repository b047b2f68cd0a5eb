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
  /** The config is left out of the table. */
  | ({ readonly type: 'cell-failed'; readonly config: Config; readonly reason: string } & SweepState)
  | { readonly type: 'saved'; readonly file: string };

export type ProfileListener = (event: ProfileEvent) => void;

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
