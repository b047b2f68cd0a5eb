import { InflessError, messageOf } from '../base/errors.ts';
import { rowsOf } from '../manifest/feeds.ts';
import { canBatch, type TensorSpec } from '../manifest/manifest.ts';
import { sliceRows, stackRows } from '../manifest/stacking.ts';
import type { NamedTensors, Tensor, TensorData } from '../manifest/tensor.ts';
import type { EngineSession } from './engine.ts';

export { rowsOf } from '../manifest/feeds.ts';

/** What became of one request of a batch. */
export type BatchOutcome =
  | { readonly ok: true; readonly outputs: NamedTensors }
  | { readonly ok: false; readonly error: InflessError };

interface Job {
  /** Its place among the requests. */
  readonly index: number;
  readonly feeds: NamedTensors;
  readonly rows: number;
}

/**
 * Runs requests together: rows → one tensor per input → the engine → each request's rows of every output.
 *
 * Rows beyond the largest batch run as further batches; requests whose free dimensions differ run apart; a model
 * that cannot batch runs them one by one. A request that fails, fails alone.
 */
export class BatchExecutor {
  readonly #session: EngineSession;
  readonly #maxBatch: number;
  readonly #batches: boolean;
  /** Storage of stacked inputs, kept between batches: safe because batches run one after another. */
  readonly #staging = new Map<string, TensorData>();
  #idle: Promise<unknown> = Promise.resolve();

  constructor(session: EngineSession, maxBatch: number) {
    this.#session = session;
    this.#maxBatch = maxBatch;
    this.#batches = canBatch(session.manifest);
  }

  /** Each request is a block of one or more rows. Outcomes come in the order of the requests; it never rejects. */
  run(requests: readonly NamedTensors[]): Promise<readonly BatchOutcome[]> {
    const outcomes = this.#idle.then(() => this.#runAll(requests));
    this.#idle = outcomes;
    return outcomes;
  }

  async #runAll(requests: readonly NamedTensors[]): Promise<readonly BatchOutcome[]> {
    const outcomes = new Array<BatchOutcome>(requests.length);
    const groups = new Map<string, Job[]>();
    for (const [index, feeds] of requests.entries()) {
      try {
        const job = { index, feeds, rows: rowsOf(this.#session.manifest, feeds) };
        const key = this.#batches ? this.#freeShape(feeds) : String(index);
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [job]);
        else group.push(job);
      } catch (error) {
        outcomes[index] = failure(error);
      }
    }
    for (const group of groups.values()) {
      for (const chunk of this.#batches ? chunksOf(group, this.#maxBatch) : [group]) {
        await this.#runChunk(chunk, outcomes);
      }
    }
    return outcomes;
  }

  /** What must agree for requests to share a batch. */
  #freeShape(feeds: NamedTensors): string {
    return this.#session.manifest.inputs
      .filter((spec) => spec.shape.some((size, axis) => size === null && axis !== spec.batchAxis))
      .map((spec) => feeds[spec.name]!.shape.toSpliced(spec.batchAxis!, 1).join())
      .join(';');
  }

  async #runChunk(chunk: readonly Job[], outcomes: BatchOutcome[]): Promise<void> {
    try {
      if (chunk.length === 1) {
        const job = chunk[0]!;
        outcomes[job.index] = { ok: true, outputs: await this.#runOne(job) };
      } else {
        await this.#runTogether(chunk, outcomes);
      }
    } catch (error) {
      if (chunk.length === 1) outcomes[chunk[0]!.index] = failure(error);
      else for (const job of chunk) await this.#runChunk([job], outcomes); // find out whose fault it is
    }
  }

  async #runOne({ feeds, rows }: Job): Promise<NamedTensors> {
    if (!this.#batches || rows <= this.#maxBatch) return this.#session.run(feeds);
    const { inputs, outputs } = this.#session.manifest;
    const parts: NamedTensors[] = [];
    for (let start = 0; start < rows; start += this.#maxBatch) {
      const end = Math.min(rows, start + this.#maxBatch);
      parts.push(
        await this.#session.run(
          mapTensors(inputs, (spec, axis) => sliceRows(feeds[spec.name]!, axis, start, end)),
        ),
      );
    }
    return mapTensors(outputs, (spec, axis) =>
      stackRows(
        parts.map((part) => part[spec.name]!),
        axis,
      ),
    );
  }

  async #runTogether(chunk: readonly Job[], outcomes: BatchOutcome[]): Promise<void> {
    const { manifest } = this.#session;
    const results = await this.#session.run(
      mapTensors(manifest.inputs, (spec, axis) => this.#stack(spec.name, chunk, axis)),
    );
    let start = 0;
    for (const { index, rows } of chunk) {
      const from = start;
      start += rows;
      outcomes[index] = {
        ok: true,
        outputs: mapTensors(manifest.outputs, (spec, axis) =>
          sliceRows(results[spec.name]!, axis, from, from + rows),
        ),
      };
    }
  }

  #stack(input: string, chunk: readonly Job[], axis: number): Tensor {
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
function chunksOf(jobs: readonly Job[], maxBatch: number): Job[][] {
  const chunks: Job[][] = [];
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

function mapTensors(
  specs: readonly TensorSpec[],
  make: (spec: TensorSpec, axis: number) => Tensor,
): NamedTensors {
  return Object.fromEntries(specs.map((spec) => [spec.name, make(spec, spec.batchAxis!)]));
}

function failure(error: unknown): BatchOutcome {
  if (error instanceof InflessError) return { ok: false, error };
  return { ok: false, error: new InflessError('INFERENCE_FAILED', messageOf(error), { cause: error }) };
}
