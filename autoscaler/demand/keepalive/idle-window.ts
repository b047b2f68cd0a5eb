/**
 * When an instance must be ready, counted from the moment its function became idle: from `prewarmMs` (0: it
 * is never stopped) until `keepAliveMs`. Always 0 ≤ `prewarmMs` ≤ `keepAliveMs`.
 */
export interface IdleWindow {
  readonly prewarmMs: number;
  readonly keepAliveMs: number;
}

/** Keeps the instance from the start. */
export function keepFor(keepAliveMs: number): IdleWindow {
  return { prewarmMs: 0, keepAliveMs };
}

/**
 * From when on an instance holds resources: it is started as long ahead as starting takes. Where that would
 * be at once, the old one is not stopped in the first place.
 */
export function heldFromMs(window: IdleWindow, startupMs: number): number {
  return Math.max(0, window.prewarmMs - startupMs);
}

/** Whether an instance must exist (ready or starting) once the function has been idle for `idleMs`. */
export function isHeld(window: IdleWindow, idleMs: number, startupMs: number): boolean {
  return idleMs >= heldFromMs(window, startupMs) && idleMs < window.keepAliveMs;
}

/** For how long an idle period of `idleMs` has held an instance that no one used, starting included. */
export function heldMs(window: IdleWindow, idleMs: number, startupMs: number): number {
  return Math.max(0, Math.min(idleMs, window.keepAliveMs) - heldFromMs(window, startupMs));
}

/**
 * Whether the request that ends an idle period of `idleMs` finds an instance ready. Otherwise it is a cold
 * start.
 */
export function isReady(window: IdleWindow, idleMs: number, startupMs: number): boolean {
  const readyMs = heldFromMs(window, startupMs) === 0 ? 0 : window.prewarmMs;
  return idleMs >= readyMs && idleMs < window.keepAliveMs;
}

/** How long that request waits for an instance: less than a whole start where one is on its way already. */
export function waitMs(window: IdleWindow, idleMs: number, startupMs: number): number {
  if (isReady(window, idleMs, startupMs)) return 0;
  return isHeld(window, idleMs, startupMs) ? window.prewarmMs - idleMs : startupMs;
}
