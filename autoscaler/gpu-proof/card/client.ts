import type { ModelFile } from '../../../models/manifest/manifest.ts';
import { CellProcess } from '../../../profiler/cell/cell-process.ts';
import {
  type Measured,
  measuredSchema,
  type Opened,
  openedSchema,
  warmedSchema,
} from '../../../profiler/cell/cell-protocol.ts';
import type { Config } from '../../../profiles/config.ts';

const SILENCE_MS = 20_000;

/**
 * A process with a model on a share of the card: the profiler's own, so that it runs what is measured and
 * served.
 */
export class Client {
  readonly #process: CellProcess;

  private constructor(process: CellProcess) {
    this.#process = process;
  }

  /** @param environment of its share */
  static async open(
    model: ModelFile,
    config: Config,
    environment: NodeJS.ProcessEnv,
  ): Promise<{ readonly client: Client; readonly opened: Opened }> {
    const process = new CellProcess(SILENCE_MS, environment);
    try {
      await process.ready();
      const opened = await process.ask({ ask: 'open', model, config }, openedSchema);
      await process.ask({ ask: 'warm-up', windowMs: 100, budgetMs: 1000 }, warmedSchema);
      return { client: new Client(process), opened };
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Runs full batches one after the other for a time. */
  measure(timeMs: number): Promise<Measured> {
    // A precision that is not to be had: the time alone ends it, so that two that begin together end
    // together.
    const rule = { level: 0.95, relativeError: 1e-6, budgetMs: timeMs, periodMs: 0 };
    return this.#process.ask({ ask: 'measure', rule }, measuredSchema);
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }
}
