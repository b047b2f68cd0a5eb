import type { VirtualClock } from '../../models/base/virtual-clock.ts';

/**
 * Lets everything that waits for nothing but promises run: the whole microtask queue, before the next turn.
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * Fires the timers of the next `durationMs` one by one and, after each, lets what it set off run to its end.
 */
export async function advance(clock: VirtualClock, durationMs: number): Promise<void> {
  const untilMs = clock.nowMs() + durationMs;
  await settle();
  while ((clock.nextAtMs ?? Infinity) <= untilMs) {
    clock.step();
    await settle();
  }
  clock.runUntil(untilMs);
}

/**
 * Lets time pass until the condition holds. Fails when it does not within `limitMs`, or nothing is left to
 * happen.
 */
export async function advanceUntil(
  clock: VirtualClock,
  condition: () => boolean,
  limitMs = 60_000,
): Promise<void> {
  const giveUpAtMs = clock.nowMs() + limitMs;
  await settle();
  while (!condition()) {
    if (clock.nowMs() > giveUpAtMs)
      throw new Error(`did not happen within ${limitMs} virtual ms: ${condition}`);
    if (!clock.step()) throw new Error(`will never happen: ${condition}`);
    await settle();
  }
}

/** Lets time pass until a promise settles, and gives what it gave. */
export async function advanceThrough<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  promise.then(done, done);
  await advanceUntil(clock, () => isDone);
  return promise;
}
