import { rowsOf } from '../../manifest/feeds.ts';
import type { ModelManifest } from '../../manifest/manifest.ts';
import type { NamedTensors } from '../../manifest/tensor.ts';
import type { EngineSession } from '../engine.ts';
import { rowMismatch } from '../row-mismatch.ts';
import { firstRows, padded } from './providers/planned-sizes.ts';

/**
 * One loaded model in a session for each of some batch sizes. Batches are padded up to the next size; larger
 * ones run in the largest session as they are.
 */
export class SizedSession implements EngineSession {
  readonly manifest: ModelManifest;
  readonly threads: number;
  readonly spinning: boolean;
  readonly batchSizes: readonly number[];
  readonly #sessions: readonly EngineSession[];

  private constructor(batchSizes: readonly number[], sessions: readonly EngineSession[]) {
    const { manifest, threads, spinning } = sessions[0]!;
    this.manifest = manifest;
    this.threads = threads;
    this.spinning = spinning;
    this.batchSizes = batchSizes;
    this.#sessions = sessions;
  }

  /** @param sizes ascending */
  static async open(sizes: readonly number[], open: () => Promise<EngineSession>): Promise<SizedSession> {
    const sessions: EngineSession[] = [];
    try {
      for (let index = 0; index < sizes.length; index += 1) sessions.push(await open());
    } catch (error) {
      for (const session of sessions) await session.close();
      throw error;
    }
    return new SizedSession(sizes, sessions);
  }

  async run(feeds: NamedTensors): Promise<NamedTensors> {
    const rows = rowsOf(this.manifest, feeds);
    const index = this.batchSizes.findIndex((size) => size >= rows);
    const size = this.batchSizes[index];
    if (size === undefined) return this.#sessions.at(-1)!.run(feeds);
    const session = this.#sessions[index]!;
    if (size === rows) return session.run(feeds);
    const answers = await session.run(padded(feeds, this.manifest, size));
    // Outputs that are not as long as what went in have no rows to cut off: the rows of the padding are
    // somewhere in them.
    if (rowMismatch(this.manifest.outputs, answers, size) !== undefined) return session.run(feeds);
    return firstRows(answers, this.manifest, rows);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) await session.close();
  }
}
