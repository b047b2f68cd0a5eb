import { type Config, formatConfig } from '../../profiles/config.ts';

/** A cell of a table that running has shown to be wrong here. */
export interface TableMismatch {
  readonly config: Config;
  readonly configText: string;
  /** Mean execution time over what the table says of as many rows: 1.5 is half as slow again. */
  readonly slowdown: number;
  /** Since when, in ms since the epoch. */
  readonly sinceMs: number;
}

/** A running mean over about so many batches. */
const MEMORY = 100;
/** It has to be off for so long: neighbours and garbage come and go. */
const STAYS_MS = 60_000;
/** How many times the interval of its mean a cell may be off. */
const INTERVALS = 3;
/** Two hosts of one kind differ by as much, and so does one from hour to hour. */
const LEAST_ERROR = 0.05;

export interface WatchedCell {
  readonly config: Config;
  /** Half the interval of the cell's mean over the mean; 0 where it is not known. */
  readonly relativeError: number;
  readonly nowMs: () => number;
}

/** Compares what batches of one config take with what its table says, and tells where that stays apart. */
export class TableWatch {
  readonly #cell: WatchedCell;
  #batches = 0;
  #executeMs = 0;
  #tabulatedMs = 0;
  #offSinceMs: number | undefined;

  constructor(cell: WatchedCell) {
    this.#cell = cell;
  }

  add(executeMs: number, tabulatedMs: number): void {
    this.#batches += 1;
    const weight = 1 / Math.min(MEMORY, this.#batches);
    this.#executeMs += weight * (executeMs - this.#executeMs);
    this.#tabulatedMs += weight * (tabulatedMs - this.#tabulatedMs);
    if (this.#batches < MEMORY || !this.#isOff) this.#offSinceMs = undefined;
    else this.#offSinceMs ??= this.#cell.nowMs();
  }

  /** Undefined while the table is right, or not wrong for long enough. */
  get mismatch(): TableMismatch | undefined {
    const { config, nowMs } = this.#cell;
    const sinceMs = this.#offSinceMs;
    if (sinceMs === undefined || nowMs() - sinceMs < STAYS_MS) return undefined;
    return { config, configText: formatConfig(config), slowdown: this.#slowdown, sinceMs };
  }

  get #slowdown(): number {
    return this.#executeMs / this.#tabulatedMs;
  }

  get #isOff(): boolean {
    const most = 1 + INTERVALS * Math.max(LEAST_ERROR, this.#cell.relativeError);
    return this.#slowdown > most || this.#slowdown < 1 / most;
  }
}

/** `b4 c0.5 takes 1.80 times as long as it says`, each of them. */
export function mismatchText(mismatches: readonly TableMismatch[]): string {
  const each = mismatches.map(
    ({ configText, slowdown }) => `${configText} takes ${slowdown.toFixed(2)} times as long as it says`,
  );
  return `The table does not match here: ${each.join(', ')}.`;
}
