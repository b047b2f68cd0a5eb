import { type ChildProcess, fork } from 'node:child_process';
import type { z } from 'zod';
import { InflessError } from '../../models/base/errors.ts';
import { programFile } from '../../models/base/package.ts';
import { formatDuration } from '../../models/base/units.ts';
import { answerSchema, type Question } from './cell-protocol.ts';

/** What is kept of the process's last words. */
const STDERR_TAIL = 2000;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The process of one cell, as the sweep sees it. Whatever goes wrong with it — it fails, dies, falls silent —
 * rejects the question that waits for it with an InflessError INFERENCE_FAILED that says why.
 */
export class CellProcess {
  readonly #child: ChildProcess;
  readonly #silenceMs: number;
  readonly #ended: Promise<void>;
  #waiting: Waiting | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #stderr = '';
  #end: InflessError | undefined;

  /**
   * @param silenceMs a process that says nothing for this long is ended
   * @param environment added to our own
   */
  constructor(silenceMs: number, environment: NodeJS.ProcessEnv = {}) {
    this.#silenceMs = silenceMs;
    this.#child = fork(programFile('profiler/cell/worker'), [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...environment },
      execArgv: [],
      // Ctrl-C goes to a terminal's whole process group; the sweep decides what becomes of this one
      detached: true,
    });
    this.#child.on('message', (message) => this.#hear(message));
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#finish(`cannot be started (${error.message})`, resolve));
      // Not `exit`: only at `close` have its last words been read.
      this.#child.on('close', (code, signal) => this.#finish(this.#obituary(code, signal), resolve));
    });
  }

  /** Undefined where it could not be started; then every question is rejected. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves once the program runs and listens. */
  ready(): Promise<unknown> {
    return this.#wait();
  }

  async ask<S extends z.ZodType>(question: Question, answer: S): Promise<z.output<S>> {
    const done = this.#wait();
    // An error here is that of a process that has just died, which `close` tells in full.
    if (this.#end === undefined) this.#child.send(question, () => undefined);
    return answer.parse(await done);
  }

  /** Ends the process at once; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #wait(): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#watch();
    });
  }

  #hear(message: unknown): void {
    const answer = answerSchema.parse(message);
    switch (answer.type) {
      case 'alive':
        this.#watch();
        return;
      case 'ready':
        this.#settle()?.resolve(undefined);
        return;
      case 'done':
        this.#settle()?.resolve(answer.result);
        return;
      case 'failed':
        this.#settle()?.reject(new InflessError('INFERENCE_FAILED', answer.reason));
    }
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      this.#end = failure(`was ended: no batch was done within ${formatDuration(this.#silenceMs)}`);
      this.#child.kill('SIGKILL');
    }, this.#silenceMs);
  }

  #finish(what: string, ended: () => void): void {
    this.#end ??= failure(what);
    this.#settle()?.reject(this.#end);
    ended();
  }

  #settle(): Waiting | undefined {
    clearTimeout(this.#watchdog);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  #obituary(code: number | null, signal: NodeJS.Signals | null): string {
    if (signal === 'SIGKILL') return 'was killed (SIGKILL), as the kernel does when memory runs out';
    const lastWords = this.#stderr.trim() === '' ? '' : `: ${this.#stderr.trim()}`;
    return `${signal === null ? `ended with code ${code}` : `crashed (${signal})`}${lastWords}`;
  }
}

function failure(what: string): InflessError {
  return new InflessError('INFERENCE_FAILED', `The measuring process ${what}`);
}
