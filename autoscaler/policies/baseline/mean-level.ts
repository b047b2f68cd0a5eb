const BUCKET_MS = 1_000;

/** A level that changes at moments, such as requests in progress: its mean over the last seconds. */
export class MeanLevel {
  readonly #areas: Float64Array;
  #bucket: number;
  #lastMs: number;
  #level = 0;

  constructor(memoryMs: number, nowMs: number) {
    this.#areas = new Float64Array(memoryMs / BUCKET_MS + 1);
    this.#bucket = Math.floor(nowMs / BUCKET_MS);
    this.#lastMs = nowMs;
  }

  set(level: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#level = level;
  }

  /** Mean over the last whole seconds of `windowMs`, the present one aside. */
  over(windowMs: number, nowMs: number): number {
    this.#advance(nowMs);
    const count = windowMs / BUCKET_MS;
    let area = 0;
    for (let back = 1; back <= count; back += 1) area += this.#areas[this.#place(this.#bucket - back)]!;
    return area / windowMs;
  }

  #advance(nowMs: number): void {
    while (this.#lastMs < nowMs) {
      const endMs = Math.min(nowMs, (this.#bucket + 1) * BUCKET_MS);
      this.#areas[this.#place(this.#bucket)]! += this.#level * (endMs - this.#lastMs);
      this.#lastMs = endMs;
      if (endMs < (this.#bucket + 1) * BUCKET_MS) return;
      this.#bucket += 1;
      this.#areas[this.#place(this.#bucket)] = 0;
    }
  }

  #place(bucket: number): number {
    const { length } = this.#areas;
    return ((bucket % length) + length) % length;
  }
}
