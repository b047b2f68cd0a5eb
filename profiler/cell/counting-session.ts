import { InflessError, messageOf } from '../../models/base/errors.ts';
import type { EngineSession } from '../../models/engines/engine.ts';
import type { NamedTensors } from '../../models/manifest/tensor.ts';

/**
 * A session that counts its runs. The batch executor retries the requests of a failed batch one by one, which
 * is right for serving; a profiler that did not notice would record those retries as the time of a batch.
 */
export class CountingSession implements EngineSession {
  readonly manifest: EngineSession['manifest'];
  readonly threads: number;
  readonly spinning: boolean;
  readonly batchSizes: EngineSession['batchSizes'];
  readonly #session: EngineSession;
  #runs = 0;
  #firstError: unknown;

  constructor(session: EngineSession) {
    this.#session = session;
    this.manifest = session.manifest;
    this.threads = session.threads;
    this.spinning = session.spinning;
    this.batchSizes = session.batchSizes;
  }

  async run(feeds: NamedTensors): Promise<NamedTensors> {
    this.#runs += 1;
    try {
      return await this.#session.run(feeds);
    } catch (error) {
      this.#firstError ??= error;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /**
   * @param ranAlone why the executor ran the batch one by one, if it did
   * @throws InflessError INFERENCE_FAILED unless the session has run exactly once, and well, since the last
   *   call
   */
  expectOneRun(batch: number, ranAlone?: string): void {
    const runs = this.#runs;
    this.#runs = 0;
    if (runs === 1 && this.#firstError === undefined) return;
    const why =
      this.#firstError === undefined ? (ranAlone ?? `it took ${runs} runs`) : messageOf(this.#firstError);
    this.#firstError = undefined;
    throw new InflessError('INFERENCE_FAILED', `${batch} rows do not run as one batch: ${why}`);
  }
}
