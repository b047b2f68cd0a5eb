import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { programFile } from '../../models/base/package.ts';

/** What is kept of what a program writes. */
const TAIL = 20_000;

/** One of our own programs, started as a person starts it, in the process group of the step. */
export class OwnProgram {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stdout = '';
  #stderr = '';

  /**
   * @param program such as `profiler/bin`
   * @param onLine hears each line of standard error
   */
  constructor(program: string, args: readonly string[], onLine: (line: string) => void = () => {}) {
    this.#child = spawn(process.execPath, [programFile(program), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-TAIL);
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-TAIL);
      for (const line of text.split(/[\r\n]+/)) if (line.trim() !== '') onLine(line.trim());
    });
    this.#closed = once(this.#child, 'close');
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Undefined while it runs. */
  get exitCode(): number | null | undefined {
    return this.#child.exitCode ?? (this.#child.signalCode === null ? undefined : null);
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** Its exit code, when all it wrote has been read; null where a signal ended it. */
  async exited(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  /** The last thing that it said to a person. */
  get lastLine(): string {
    const lines = this.#stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
    return lines.findLast((line) => /error/i.test(line))?.trim() ?? lines.at(-1)?.trim() ?? 'it said nothing';
  }
}
