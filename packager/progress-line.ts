import type { Writable } from 'node:stream';
import { formatBytes } from '../models/base/units.ts';
import type { WriteEvent } from './layout/progress.ts';
import type { Descriptor } from './oci/schema.ts';
import type { ProgressEvent } from './registry/options.ts';

type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number };

const CLEAR_LINE = '\r\x1b[2K';
/** A redrawn line is readable at this pace, and costs nothing. */
const REDRAW_MS = 100;

/** What tells a person how far an image is. */
export interface ImageProgress {
  readonly onPush: (event: ProgressEvent) => void;
  readonly onWrite: (event: WriteEvent) => void;
}

/**
 * How far packing is: on a terminal one line that is redrawn, in a log a line for each step. What a person
 * should know later (a retry) stays in both.
 */
export class ProgressLine implements ImageProgress {
  readonly #stream: Terminal;
  readonly #bytesByDigest = new Map<string, number>();
  #isDrawn = false;
  #nextMs = 0;

  constructor(stream: Terminal) {
    this.#stream = stream;
  }

  step(text: string): void {
    this.#isTerminal ? this.#draw(text) : this.note(text);
  }

  /** A line that stays. */
  note(text: string): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  clear(): void {
    if (this.#isDrawn) this.#stream.write(CLEAR_LINE);
    this.#isDrawn = false;
  }

  onPush = (event: ProgressEvent): void => {
    if (event.type === 'retry') this.note(`${event.reason}; next try in ${Math.ceil(event.waitMs / 1000)} s`);
    else if (event.type === 'sending') this.#moved('pushing', event.descriptor, event.sentBytes);
  };

  onWrite = (event: WriteEvent): void => {
    if (event.type === 'writing') this.#moved('writing', event.descriptor, event.writtenBytes);
  };

  get #isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  #moved(verb: string, { digest, size }: Descriptor, bytes: number): void {
    if (!this.#isTerminal) return;
    this.#bytesByDigest.set(digest, bytes);
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + REDRAW_MS;
    const total = [...this.#bytesByDigest.values()].reduce((sum, moved) => sum + moved, 0);
    this.#draw(
      `${verb} ${digest.slice(0, 19)}… ${Math.floor((100 * bytes) / size)} % of ${formatBytes(size)}; ${formatBytes(total)} so far`,
    );
  }

  #draw(text: string): void {
    this.#stream.write(CLEAR_LINE + text.slice(0, (this.#stream.columns ?? 80) - 1));
    this.#isDrawn = true;
  }
}
