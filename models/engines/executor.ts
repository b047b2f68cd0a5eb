import { createHash } from 'node:crypto';
import { InflessError, messageOf } from '../base/errors.ts';
import { rowsOf } from '../manifest/feeds.ts';
import { canBatch, type ModelManifest, type TensorSpec } from '../manifest/manifest.ts';
import { sliceRows, stackRows } from '../manifest/stacking.ts';
import type { NamedTensors, Tensor, TensorData } from '../manifest/tensor.ts';
import { auditRun, copied, type SharedRun } from './audit.ts';
import type { EngineSession } from './engine.ts';
import { rowMismatch } from './row-mismatch.ts';

export { rowsOf } from '../manifest/feeds.ts';

/** What became of one request of a batch. */
export type BatchOutcome =
  | { readonly ok: true; readonly outputs: NamedTensors }
  | { readonly ok: false; readonly error: InflessError };

/** What became of the requests that were given together. */
export interface BatchRun {
  /** In the order of the requests. */
  readonly outcomes: readonly BatchOutcome[];
  /**
   * Why requests could not share runs, if this run was the first to show it or its requests ran one by one
   * for this reason. The time it took is then not that of a batch.
   */
  readonly ranAlone: string | undefined;
}

/** Whether no one waits for the answer to a request any more. */
export type IsGone = (request: number) => boolean;

const GONE: BatchOutcome = {
  ok: false,
  error: new InflessError('UNAVAILABLE', 'The client hung up before its answer'),
};

/** One in some thousand shared runs is looked at again: each of its requests runs alone, too. */
export interface BatchAudit {
  /** Every so many shared runs; 0: never. */
  readonly every: number;
  /** Whether a difference ends all batching of the model. */
  readonly isDecisive: boolean;
  /** @param difference what was another than alone; undefined where all was the same */
  onAudited(difference: string | undefined): void;
}

const NO_AUDIT: BatchAudit = { every: 0, isDecisive: false, onAudited: () => undefined };

interface BatchItem {
  /** Its place among the requests. */
  readonly index: number;
  readonly feeds: NamedTensors;
  readonly rows: number;
}

/**
 * Runs requests together: rows → one tensor per input → the engine → each request's rows of every output.
 *
 * Rows beyond the largest batch run as further batches; requests whose free dimensions differ, or their
 * inputs without rows, run apart; a model that cannot batch runs them one by one. A request that fails,
 * fails alone.
 *
 * An output is split only if it has as many rows as went in. The first that has not ends all batching of the
 * model: requests then run one by one, including those that shared a run in the same call. Their outputs may
 * have had the right number of rows by chance.
 */
export class BatchExecutor {
  readonly #session: EngineSession;
  readonly #maxBatch: number;
  readonly #audit: BatchAudit;
  #sharedRuns = 0;
  /** A run that is to be looked at once its requests are answered. */
  #due: SharedRun | undefined;
  /** Storage of stacked inputs, kept between batches: safe because batches run one after another. */
  readonly #staging = new Map<string, TensorData>();
  readonly #canBatch: boolean;
  #mismatch: string | undefined;
  #idle: Promise<unknown> = Promise.resolve();

  constructor(session: EngineSession, maxBatch: number, audit: BatchAudit = NO_AUDIT) {
    this.#session = session;
    this.#maxBatch = maxBatch;
    this.#audit = audit;
    this.#canBatch = canBatch(session.manifest);
  }

  /**
   * Each request is a block of one or more rows. It never rejects.
   *
   * @param isGone whether no one waits for a request any more: what has not run of it then never does
   */
  run(requests: readonly NamedTensors[], isGone: IsGone = () => false): Promise<BatchRun> {
    const run = this.#idle.then(() => this.#runAll(requests, isGone));
    this.#idle = run.then(() => this.#auditDue());
    return run;
  }

  /** Other requests wait meanwhile, but those of the run have their answers. */
  async #auditDue(): Promise<void> {
    const run = this.#due;
    if (run === undefined) return;
    this.#due = undefined;
    try {
      const difference = await auditRun(this.#session, run);
      if (this.#audit.isDecisive) this.#mismatch ??= difference;
      this.#audit.onAudited(difference);
    } catch {
      // a request that fails alone, or a session that was closed meanwhile, shows nothing of the batch
    }
  }

  get #batches(): boolean {
    return this.#canBatch && this.#mismatch === undefined;
  }

  async #runAll(requests: readonly NamedTensors[], isGone: IsGone): Promise<BatchRun> {
    const known = this.#mismatch;
    const outcomes = new Array<BatchOutcome>(requests.length);
    const jobs = requests.flatMap((feeds, index): BatchItem[] => {
      try {
        return [{ index, feeds, rows: rowsOf(this.#session.manifest, feeds) }];
      } catch (error) {
        outcomes[index] = failure(error);
        return [];
      }
    });
    if (this.#batches) await this.#runInBatches(jobs, outcomes, isGone);
    for (const job of jobs) {
      if (outcomes[job.index] !== undefined) continue;
      if (isGone(job.index)) outcomes[job.index] = GONE;
      else await this.#runAlone(job, outcomes);
    }
    return { outcomes, ranAlone: known !== undefined && jobs.length < 2 ? undefined : this.#mismatch };
  }

  /** After a mismatch, requests that shared a run, or were not reached, are left without an outcome. */
  async #runInBatches(jobs: readonly BatchItem[], outcomes: BatchOutcome[], isGone: IsGone): Promise<void> {
    const shared = new Map<number, BatchOutcome>();
    const groups = new Map<string, BatchItem[]>();
    for (const job of jobs) {
      const key = companyOf(this.#session.manifest, job.feeds);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [job]);
      else group.push(job);
    }
    for (const group of groups.values()) {
      for (const chunk of chunksOf(group, this.#maxBatch)) {
        const gone = new Set(chunk.filter(({ index }) => isGone(index)));
        for (const { index } of gone) shared.set(index, GONE);
        const wanted = chunk.filter((job) => !gone.has(job));
        if (wanted.length > 0) await this.#runChunk(wanted, outcomes, shared, isGone);
        if (this.#mismatch !== undefined) return;
      }
    }
    for (const [index, outcome] of shared) outcomes[index] = outcome;
  }

  /** @param shared outcomes of shared runs, valid only if no mismatch follows */
  async #runChunk(
    chunk: readonly BatchItem[],
    outcomes: BatchOutcome[],
    shared: Map<number, BatchOutcome>,
    isGone: IsGone,
  ): Promise<void> {
    const first = chunk[0]!;
    if (chunk.length === 1 && first.rows <= this.#maxBatch) return this.#runAlone(first, outcomes);
    try {
      if (chunk.length === 1) await this.#runInParts(first, shared, isGone);
      else await this.#runTogether(chunk, shared);
    } catch (error) {
      if (chunk.length === 1) outcomes[first.index] = failure(error);
      // whose fault is it?
      else for (const job of chunk) await this.#runChunk([job], outcomes, shared, isGone);
    }
  }

  async #runAlone({ index, feeds, rows }: BatchItem, outcomes: BatchOutcome[]): Promise<void> {
    try {
      const outputs = await this.#session.run(feeds);
      this.#keepsRows(outputs, rows);
      outcomes[index] = { ok: true, outputs };
    } catch (error) {
      outcomes[index] = failure(error);
    }
  }

  async #runInParts(
    { index, feeds, rows }: BatchItem,
    shared: Map<number, BatchOutcome>,
    isGone: IsGone,
  ): Promise<void> {
    const { inputs, outputs } = this.#session.manifest;
    const parts: NamedTensors[] = [];
    for (let start = 0; start < rows; start += this.#maxBatch) {
      if (isGone(index)) {
        shared.set(index, GONE);
        return;
      }
      const end = Math.min(rows, start + this.#maxBatch);
      const part = await this.#session.run(
        mapTensors(inputs, ({ name, batchAxis }) => {
          const tensor = feeds[name]!;
          return batchAxis === null ? tensor : sliceRows(tensor, batchAxis, start, end);
        }),
      );
      if (!this.#keepsRows(part, end - start)) return;
      parts.push(part);
    }
    const joined = mapTensors(outputs, ({ name, batchAxis }) =>
      stackRows(
        parts.map((part) => part[name]!),
        batchAxis!,
      ),
    );
    shared.set(index, { ok: true, outputs: joined });
  }

  async #runTogether(chunk: readonly BatchItem[], shared: Map<number, BatchOutcome>): Promise<void> {
    const { manifest } = this.#session;
    const results = await this.#session.run(
      mapTensors(manifest.inputs, ({ name, batchAxis }) => {
        return batchAxis === null ? chunk[0]!.feeds[name]! : this.#stack(name, chunk, batchAxis);
      }),
    );
    if (!this.#keepsRows(results, totalRows(chunk))) return;
    let start = 0;
    this.#sharedRuns += 1;
    const { every } = this.#audit;
    const isDue = every > 0 && this.#sharedRuns % every === 0;
    for (const { index, rows } of chunk) {
      const from = start;
      start += rows;
      const outputs = mapTensors(manifest.outputs, ({ name, batchAxis }) =>
        sliceRows(results[name]!, batchAxis!, from, from + rows),
      );
      shared.set(index, { ok: true, outputs });
    }
    if (!isDue) return;
    const answers = chunk.map(({ index }) => {
      const outcome = shared.get(index)!;
      return outcome.ok ? copied(outcome.outputs) : {};
    });
    this.#due = { requests: chunk.map(({ feeds }) => feeds), answers };
  }

  /** Checks that every output has the rows that went in, and remembers the first mismatch. */
  #keepsRows(results: NamedTensors, rows: number): boolean {
    if (!this.#canBatch) return true;
    const mismatch = rowMismatch(this.#session.manifest.outputs, results, rows);
    this.#mismatch ??= mismatch;
    return mismatch === undefined;
  }

  #stack(input: string, chunk: readonly BatchItem[], axis: number): Tensor {
    const stacked = stackRows(
      chunk.map((job) => job.feeds[input]!),
      axis,
      this.#staging.get(input),
    );
    const kept = this.#staging.get(input);
    if (kept === undefined || kept.length < stacked.data.length) this.#staging.set(input, stacked.data);
    return stacked;
  }
}

/** Fills batches in the order of arrival; a request is not torn apart unless it alone exceeds a batch. */
function chunksOf(jobs: readonly BatchItem[], maxBatch: number): BatchItem[][] {
  const chunks: BatchItem[][] = [];
  let room = 0;
  for (const job of jobs) {
    if (job.rows > room) {
      chunks.push([]);
      room = maxBatch;
    }
    chunks.at(-1)!.push(job);
    room -= job.rows;
  }
  return chunks;
}

function totalRows(jobs: readonly BatchItem[]): number {
  return jobs.reduce((sum, { rows }) => sum + rows, 0);
}

function mapTensors(specs: readonly TensorSpec[], make: (spec: TensorSpec) => Tensor): NamedTensors {
  return Object.fromEntries(specs.map((spec) => [spec.name, make(spec)]));
}

/** What must agree for requests to share a batch: free sizes, and all of an input that has no rows. */
function companyOf({ inputs }: ModelManifest, feeds: NamedTensors): string {
  return inputs
    .map(({ name, shape, batchAxis }) => {
      const tensor = feeds[name]!;
      if (batchAxis === null) return contentKey(tensor);
      const isFree = shape.some((size, axis) => size === null && axis !== batchAxis);
      return isFree ? tensor.shape.toSpliced(batchAxis, 1).join() : '';
    })
    .join(';');
}

/** Longer contents are told apart by their hash. */
const LONGEST_KEY_BYTES = 64;

function contentKey({ shape, data }: Tensor): string {
  const bytes = Array.isArray(data)
    ? Buffer.from(JSON.stringify(data))
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const content =
    bytes.length <= LONGEST_KEY_BYTES
      ? bytes.toString('base64')
      : createHash('sha256').update(bytes).digest('base64');
  return `${shape.join()}:${content}`;
}

function failure(error: unknown): BatchOutcome {
  if (error instanceof InflessError) return { ok: false, error };
  return { ok: false, error: new InflessError('INFERENCE_FAILED', messageOf(error), { cause: error }) };
}
