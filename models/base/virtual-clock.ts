import type { Cancel, Clock } from './clock.ts';

interface Timer {
  readonly atMs: number;
  readonly sequence: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/**
 * A clock that moves only when told to. Timers fire in time order, those of one instant in the order they
 * were set (a binary heap: O(log n) a timer, so that a simulated day of requests stays cheap).
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  readonly #heap: Timer[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, callback: () => void): Cancel {
    const timer: Timer = {
      atMs: Math.max(atMs, this.#nowMs),
      sequence: this.#sequence++,
      callback,
      cancelled: false,
    };
    this.#heap.push(timer);
    this.#siftUp(this.#heap.length - 1);
    return () => {
      timer.cancelled = true;
    };
  }

  /** When the next timer is due; undefined when none is left. */
  get nextAtMs(): number | undefined {
    while (this.#heap[0]?.cancelled) this.#pop();
    return this.#heap[0]?.atMs;
  }

  /** Fires the next timer, moving time to it. Returns false when none is left. */
  step(): boolean {
    for (;;) {
      const timer = this.#pop();
      if (timer === undefined) return false;
      if (timer.cancelled) continue;
      this.#nowMs = timer.atMs;
      timer.callback();
      return true;
    }
  }

  /** Fires every timer due up to `untilMs`, then stands at `untilMs`. */
  runUntil(untilMs: number): void {
    while ((this.nextAtMs ?? Infinity) <= untilMs) this.step();
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #siftUp(index: number): void {
    const heap = this.#heap;
    for (let child = index; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!before(heap[child]!, heap[parent]!)) return;
      swap(heap, child, parent);
      child = parent;
    }
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      if (left >= heap.length) return top;
      const right = left + 1;
      const least = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
      if (!before(heap[least]!, heap[parent]!)) return top;
      swap(heap, least, parent);
      parent = least;
    }
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

function swap(heap: Timer[], i: number, j: number): void {
  const held = heap[i]!;
  heap[i] = heap[j]!;
  heap[j] = held;
}
