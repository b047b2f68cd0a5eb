/** What the graph of a model tells about what an input may hold. */
export interface InputHint {
  /** The input is looked up in tables of so many rows: its numbers are below. */
  readonly below?: number | undefined;
  /** Sizes that operators want along its axes, by axis. */
  readonly sizes?: Readonly<Record<number, number>> | undefined;
}

/** By the name of the input. */
export type InputHints = ReadonlyMap<string, InputHint>;

/** Gathers hints: of several tables the one with the fewest rows counts, of several sizes the first. */
export class HintCollector {
  readonly #hints = new Map<string, { below?: number; sizes: Record<number, number> }>();

  below(input: string, rows: number): void {
    const hint = this.#of(input);
    if (rows >= 1) hint.below = Math.min(hint.below ?? rows, rows);
  }

  size(input: string, axis: number, size: number): void {
    if (axis >= 0 && size >= 1) this.#of(input).sizes[axis] ??= size;
  }

  get hints(): InputHints {
    return this.#hints;
  }

  #of(input: string): { below?: number; sizes: Record<number, number> } {
    const known = this.#hints.get(input);
    if (known !== undefined) return known;
    const fresh = { sizes: {} };
    this.#hints.set(input, fresh);
    return fresh;
  }
}
