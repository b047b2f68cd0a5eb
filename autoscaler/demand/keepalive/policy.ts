import type { IdleWindow } from './idle-window.ts';

/**
 * Decides when the last instance of a function is worth having while nothing is asked of it. Told of every
 * idle period (from the moment the last request was answered to the next arrival), in order; it keeps what it
 * learns in bounded memory and never looks at a clock.
 */
export interface KeepAlivePolicy {
  /**
   * The function has become idle.
   *
   * @param startupMs how long starting an instance takes, as measured
   * @returns when an instance must be there, counted from `nowMs`
   */
  idleBegan(nowMs: number, startupMs: number): IdleWindow;

  /** A request has ended the idle period that began `idleMs` before `nowMs`. */
  idleEnded(idleMs: number, nowMs: number): void;
}
