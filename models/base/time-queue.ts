/** An item and when it is due. */
export interface TimedItem<T> {
  readonly atMs: number;
  readonly item: T;
  /** Which of all that were added it is: those of one moment keep their order. */
  readonly sequence: number;
}

/**
 * Items by the time at which they are due, those of one moment in the order they were added: a binary heap,
 * O(log n).
 */
export class TimeQueue<T> {
  readonly #heap: TimedItem<T>[] = [];
  #sequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** What is due first; undefined of an empty queue. */
  get first(): TimedItem<T> | undefined {
    return this.#heap[0];
  }

  add(atMs: number, item: T): void {
    const heap = this.#heap;
    const added: TimedItem<T> = { atMs, item, sequence: this.#sequence++ };
    let place = heap.length;
    heap.push(added);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above]!;
      if (!isBefore(added, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = added;
  }

  /** Takes out what is due first. */
  take(): TimedItem<T> | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const next = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left;
      const child = heap[next]!;
      if (!isBefore(child, last)) break;
      heap[place] = child;
      place = next;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: TimedItem<unknown>, b: TimedItem<unknown>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
