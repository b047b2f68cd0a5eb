/** The highest of the values noted within a time that may differ from question to question. */
export class RecentHigh {
  /** Values that were higher than all that came after them, the oldest and highest first. */
  readonly #highs: { readonly atMs: number; readonly value: number }[] = [];

  note(nowMs: number, value: number): void {
    while (this.#highs.length > 0 && this.#highs.at(-1)!.value <= value) this.#highs.pop();
    this.#highs.push({ atMs: nowMs, value });
  }

  /** The highest since `sinceMs`, which may only grow: what is older is forgotten. */
  since(sinceMs: number): number {
    let outdated = 0;
    while (outdated < this.#highs.length && this.#highs[outdated]!.atMs < sinceMs) outdated += 1;
    if (outdated > 0) this.#highs.splice(0, outdated);
    return this.#highs[0]?.value ?? 0;
  }
}
