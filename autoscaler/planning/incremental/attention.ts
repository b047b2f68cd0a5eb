import { TimeQueue } from '../../../models/base/time-queue.ts';

/**
 * Which functions to look at next: those that something has happened to, and those whose time has come.
 * Nothing else is worth a look, so that thousands of functions that are hardly ever called cost next to
 * nothing.
 */
export class PlanQueue {
  readonly #enqueued = new Set<string>();
  readonly #alarms = new TimeQueue<string>();
  /** When the next alarm of each function is set for. */
  readonly #alarmsAtMs = new Map<string, number>();

  /** Something has happened to it. */
  enqueue(name: string): void {
    this.#enqueued.add(name);
  }

  /**
   * It is to be looked at then at the latest. An alarm that is set for an earlier time stays: then it is
   * looked at twice.
   */
  wakeAt(name: string, atMs: number): void {
    if (atMs >= (this.#alarmsAtMs.get(name) ?? Infinity)) return;
    this.#alarmsAtMs.set(name, atMs);
    this.#alarms.add(atMs, name);
  }

  /** Those to look at now; whoever is to be looked at with the next step as well has to be enqueued again. */
  take(nowMs: number): string[] {
    for (let next = this.#alarms.first; next !== undefined && next.atMs <= nowMs; next = this.#alarms.first) {
      const name = next.item;
      this.#alarms.take();
      if (this.#alarmsAtMs.get(name) === next.atMs) this.#alarmsAtMs.delete(name);
      this.#enqueued.add(name);
    }
    const taken = [...this.#enqueued];
    this.#enqueued.clear();
    return taken;
  }
}
