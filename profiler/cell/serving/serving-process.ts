import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import { processMemory } from '../../../models/base/process-stat.ts';
import type { ModelFile } from '../../../models/manifest/manifest.ts';
import type { Message } from '../../../models/protocols/protocol.ts';

const HOST = '127.0.0.1';
const READY_PATH = '/_/ready';
const POLL_MS = 10;
/** Enough for a batch to fill before it runs, and not long for one that does not. */
const SLO_MS = 500;
const PATIENCE_MS = 600_000;
const STDERR_TAIL = 2000;
const LAST_WORDS_MS = 1000;

export interface ServingOptions {
  readonly model: ModelFile;
  readonly batch: number;
  readonly cpuMillicores: number;
  /** How many requests it may hold. */
  readonly queueLimit: number;
}

/**
 * A serving process as production runs it, on a port of its own, seen from outside. It is started by its
 * file and told by its environment, as any platform does.
 *
 * Whatever goes wrong with it rejects with InflessError INFERENCE_FAILED, which says why.
 */
export class ServingProcess {
  readonly #child: ChildProcess;
  readonly #agent = new Agent({ connections: null, headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS });
  readonly #predict: string;
  readonly #ended: Promise<never>;
  #url = '';
  #stderr = '';

  private constructor({ model, batch, cpuMillicores, queueLimit }: ServingOptions) {
    const { name } = model.manifest;
    this.#predict = `/v1/models/${encodeURIComponent(name)}:predict`;
    this.#child = spawn(process.execPath, [programFile('packager/server/bin')], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: {
        ...process.env,
        INFLESS_MODEL: model.path,
        INFLESS_MODEL_NAME: name,
        INFLESS_HOST: HOST,
        INFLESS_PORT: '0',
        INFLESS_CPU_MILLICORES: String(cpuMillicores),
        INFLESS_GPU_PERCENT: '0',
        INFLESS_MAX_BATCH: String(batch),
        INFLESS_QUEUE_LIMIT: String(queueLimit),
        INFLESS_SLO_MS: String(SLO_MS),
        INFLESS_MAX_WAIT_MS: String(PATIENCE_MS),
      },
    });
    this.#ended = new Promise((_, reject) => {
      this.#child.once('error', (error) => reject(failure(`cannot be started (${messageOf(error)})`)));
      this.#child.once('close', () => reject(failure(`ended: ${this.#stderr.trim()}`)));
    });
    this.#ended.catch(() => {}); // it may end while no one waits
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
  }

  /** Resolves once it is ready: it has run its largest batch. */
  static async start(options: ServingOptions): Promise<ServingProcess> {
    const serving = new ServingProcess(options);
    try {
      const port = await serving.#orEnd(
        once(serving.#child, 'message').then(([message]) => (message as { port: number }).port),
      );
      serving.#url = `http://${HOST}:${port}`;
      await serving.#orEnd(serving.#ready());
      return serving;
    } catch (error) {
      await serving.kill();
      throw error;
    }
  }

  /** What it holds now and has held at most; undefined where there is no /proc. */
  async memory(): Promise<{ residentBytes: number; peakBytes: number } | undefined> {
    return this.#child.pid === undefined ? undefined : processMemory(this.#child.pid);
  }

  async predict({ contentType, body }: Message): Promise<void> {
    const answer = await this.#orEnd(
      request(this.#url + this.#predict, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: { 'content-type': contentType },
        body,
      }),
    );
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw failure(`answered ${answer.statusCode}: ${text.slice(0, 200)}`);
  }

  async kill(): Promise<void> {
    await this.#agent.destroy();
    if (this.#child.pid === undefined || this.#hasEnded()) return;
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => {});
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #ready(): Promise<void> {
    for (;;) {
      const { statusCode, body } = await request(this.#url + READY_PATH, { dispatcher: this.#agent });
      await body.dump();
      if (statusCode === 200) return;
      await sleep(POLL_MS);
    }
  }

  /** What is waited for, or that the process has ended meanwhile. */
  async #orEnd<T>(waited: Promise<T>): Promise<T> {
    waited.catch(() => {}); // told by the end of the process, if that comes first
    try {
      return await Promise.race([waited, this.#ended]);
    } catch (error) {
      // A connection that breaks is the first sign of an end, which tells more.
      if (!(error instanceof InflessError)) await Promise.race([this.#ended, sleep(LAST_WORDS_MS)]);
      throw error instanceof InflessError ? error : failure(`does not answer (${messageOf(error)})`, error);
    }
  }
}

function failure(what: string, cause?: unknown): InflessError {
  return new InflessError('INFERENCE_FAILED', `The serving process ${what}`, { cause });
}
