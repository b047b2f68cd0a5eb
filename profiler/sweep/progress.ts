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
