import { readlinkSync, writeSync } from 'node:fs';
import { type Logger, type LoggerOptions, pino } from 'pino';
import { messageOf, systemCode } from '../../models/base/errors.ts';

/** How often a pipe that is full is tried again before a line is given up, 1 ms apart. */
const FULL_TRIES = 20;
const SLEEPER = new Int32Array(new SharedArrayBuffer(4));
const WARN = 40;

/** Writes bytes to a file descriptor and returns how many it took, as `fs.writeSync` does. */
type Write = (fd: number, bytes: Uint8Array) => number;

/**
 * Log lines to a file descriptor, at once, as few as they are and as much as the last ones before an end
 * matter. What cannot be written is lost, and counted: no log is worth the process that writes it.
 */
export class LogStream {
  readonly #fd: number;
  readonly #write: Write;
  #lostLines = 0;
  /** Why the last line was lost. */
  #reason = '';
  /** Where a line was cut: the next one must not go on in it. */
  #isCut = false;

  constructor(fd: number, write: Write = (to, bytes) => writeSync(to, bytes)) {
    this.#fd = fd;
    this.#write = write;
  }

  write(line: string): void {
    const report = this.#lostLines === 0 ? '' : this.#reportOfLosses();
    if (this.#writeWhole(`${this.#isCut ? '\n' : ''}${report}${line}`)) this.#lostLines = 0;
    else this.#lostLines += 1;
  }

  #reportOfLosses(): string {
    const { lines, reason } = { lines: this.#lostLines, reason: this.#reason };
    const report = { level: WARN, time: Date.now(), lines, reason, msg: 'log lines were lost' };
    return `${JSON.stringify(report)}\n`;
  }

  #writeWhole(text: string): boolean {
    let bytes: Uint8Array = Buffer.from(text);
    const length = bytes.byteLength;
    let tries = this.#lostLines === 0 ? FULL_TRIES : 1; // who loses lines already is not held up for more
    while (bytes.byteLength > 0) {
      try {
        bytes = bytes.subarray(this.#write(this.#fd, bytes));
        this.#isCut = bytes.byteLength > 0;
      } catch (error) {
        tries -= 1;
        if (systemCode(error) !== 'EAGAIN' || tries === 0) {
          this.#reason = `${targetOf(this.#fd)}: ${systemCode(error) ?? messageOf(error)}`;
          return false;
        }
        Atomics.wait(SLEEPER, 0, 0, 1);
      }
    }
    return length > 0;
  }
}

/** Which file it is that takes no more, where the system tells. */
function targetOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return `file descriptor ${fd}`;
  }
}

/**
 * A logger to standard error that nothing ends the process by: no full disk, no reader that is gone. The same
 * then holds for what Node.js itself writes there.
 */
export function stderrLogger(options: LoggerOptions): Logger {
  process.stderr.removeAllListeners('error').on('error', () => {});
  return pino(options, new LogStream(2));
}
