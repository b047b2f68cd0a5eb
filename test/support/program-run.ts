import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { programFile } from '../../models/base/package.ts';

/** One of our programs as a person starts it, with what it writes. */
export class ProgramRun {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  stdout = '';
  stderr = '';
  readonly #closed: Promise<unknown>;

  /** @param program such as `autoscaler/bin` */
  constructor(program: string, args: readonly string[]) {
    this.child = spawn(process.execPath, [programFile(program), ...args], {
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#closed = once(this.child, 'close');
  }

  /** Its exit code, when all it wrote has been read. */
  async exited(): Promise<number | null> {
    await this.#closed;
    return this.child.exitCode;
  }
}
