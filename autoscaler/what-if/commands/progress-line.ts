import type { Writable } from 'node:stream';
import type { Clock } from '../../../models/base/clock.ts';
import { formatDuration } from '../../../models/base/units.ts';

type Terminal = Writable & { readonly isTTY?: boolean };

/** No one wants to hear of what is over in a moment. */
const QUIET_MS = 2_000;
const TERMINAL_MS = 200;
const LOG_MS = 10_000;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Tells a person how far a long plan is: one line that is redrawn on a terminal, a line now and then in a
 * log.
 */
export class ProgressLine {
  readonly #stream: Terminal;
  readonly #clock: Clock;
  readonly #startMs: number;
  #nextMs: number;
  #isDrawn = false;

  constructor(stream: Terminal, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#nextMs = this.#startMs + QUIET_MS;
  }

  /** @param done of all, in 0…1 */
  update(done: number, describe: () => string): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#nextMs) return;
    const redraw = this.#stream.isTTY === true;
    this.#nextMs = nowMs + (redraw ? TERMINAL_MS : LOG_MS);
    const leftMs = done > 0 ? ((nowMs - this.#startMs) * (1 - done)) / done : Infinity;
    const left = Number.isFinite(leftMs) ? `, about ${formatDuration(leftMs)} left` : '';
    const text = describe() + left;
    this.#stream.write(redraw ? CLEAR_LINE + text : `${text}\n`);
    this.#isDrawn = redraw;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#isDrawn) this.#stream.write(CLEAR_LINE);
    this.#isDrawn = false;
  }
}
