import { Worker } from 'node:worker_threads';
import { messageOf } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import type { RunOutcome } from './run-figures.ts';
import type { ExperimentRun, PreparedGrid } from './settings.ts';

export interface PoolOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
  /** Told of each run that ends, in the order in which they do. */
  readonly onOutcome: (run: ExperimentRun, outcome: RunOutcome) => void;
  /** A run is given up when its virtual clock has stood still for so long. Default: a minute. */
  readonly stallMs?: number;
}

type FromWorker = { readonly outcome: RunOutcome } | { readonly atMs: number };

const STALL_MS = 60_000;

/** Runs over threads, as many at a time; what a policy of the user's does in its thread harms no other. */
export async function runAll(
  runs: readonly ExperimentRun[],
  prepared: PreparedGrid,
  options: PoolOptions,
): Promise<void> {
  const left = [...runs];
  const lanes = Array.from({ length: Math.min(options.threads, runs.length) }, async () => {
    const lane = new Lane(prepared, options.stallMs ?? STALL_MS);
    const stop = (): void => void lane.close();
    options.signal?.addEventListener('abort', stop, { once: true });
    try {
      for (let run = left.shift(); run !== undefined && !options.signal?.aborted; run = left.shift()) {
        const outcome = await lane.run(run);
        if (options.signal?.aborted) return;
        options.onOutcome(run, outcome);
      }
    } finally {
      options.signal?.removeEventListener('abort', stop);
      await lane.close();
    }
  });
  await Promise.all(lanes);
}

/** A thread, started anew when a run has ended it. */
class Lane {
  readonly #prepared: PreparedGrid;
  readonly #stallMs: number;
  #worker: Worker | undefined;

  constructor(prepared: PreparedGrid, stallMs: number) {
    this.#prepared = prepared;
    this.#stallMs = stallMs;
  }

  async run(run: ExperimentRun): Promise<RunOutcome> {
    this.#worker ??= this.#start();
    const outcome = await this.#outcomeOf(this.#worker, run);
    if (outcome.isLost) await this.close();
    return outcome.outcome;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(programFile('autoscaler/what-if/experiment/run-worker'), {
      workerData: this.#prepared,
      stdout: true,
      stderr: true,
    });
    worker.stdout.pipe(process.stderr, { end: false });
    worker.stderr.pipe(process.stderr, { end: false });
    return worker;
  }

  #outcomeOf(worker: Worker, run: ExperimentRun): Promise<{ outcome: RunOutcome; isLost: boolean }> {
    return new Promise((resolve) => {
      let reachedMs = -1;
      const end = (outcome: RunOutcome, isLost: boolean): void => {
        clearTimeout(stall);
        worker.off('message', hear).off('error', fail).off('exit', exit);
        resolve({ outcome, isLost });
      };
      const lose = (failure: string): void => end({ failure }, true);
      const fail = (error: unknown): void => lose(`it failed: ${messageOf(error)}`);
      const exit = (): void => lose('it ended its thread');
      const isStalled = (): void => lose(`it stands still for ${this.#stallMs / 1000} s`);
      let stall = setTimeout(isStalled, this.#stallMs);
      const hear = (message: FromWorker): void => {
        if ('outcome' in message) end(message.outcome, false);
        else if (message.atMs !== reachedMs) {
          reachedMs = message.atMs;
          clearTimeout(stall);
          stall = setTimeout(isStalled, this.#stallMs);
        }
      };
      worker.on('message', hear).on('error', fail).on('exit', exit);
      worker.postMessage(run);
    });
  }
}
