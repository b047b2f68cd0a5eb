/**
 * What the queue orders: a request and the moment its answer is due. Times are of the caller's clock, in ms.
 */
export interface Waiting {
  readonly arrivalMs: number;
  /** Arrival plus SLO: an answer after this is late. */
  readonly deadlineMs: number;
  /**
   * After this no answer is better than a late one: the request is given up. In one queue these come in the
   * order of the deadlines.
   */
  readonly expiresAtMs: number;
}

/**
 * Requests in deadline order. Requests of one function share an SLO, so they come nearly sorted: insertion
 * looks from the back and is O(1) but for retries, and taking from the front never copies the rest.
 */
export class DeadlineQueue<R extends Waiting> {
  #items: R[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The request due `index` places after the most urgent one. */
  at(index: number): R | undefined {
    return this.#items[this.#head + index];
  }

  insert(request: R): void {
    let place = this.#items.length;
    while (place > this.#head && this.#items[place - 1]!.deadlineMs > request.deadlineMs) place -= 1;
    if (place === this.#items.length) this.#items.push(request);
    else this.#items.splice(place, 0, request);
  }

  /** Removes and returns `count` requests starting `from` places after the most urgent one. */
  take(count: number, from = 0): R[] {
    const start = this.#head + from;
    if (from > 0) return this.#items.splice(start, count);
    const taken = this.#items.slice(start, start + count);
    this.#head += taken.length;
    this.#compact();
    return taken;
  }

  remove(request: R): boolean {
    const place = this.#items.indexOf(request, this.#head);
    if (place < 0) return false;
    this.#items.splice(place, 1);
    this.#compact();
    return true;
  }

  /**
   * Lets go of taken requests, whose bodies may be large: all at once when none waits, else the larger half.
   */
  #compact(): void {
    const isEmpty = this.#head === this.#items.length;
    if (!isEmpty && (this.#head < 64 || this.#head * 2 < this.#items.length)) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
