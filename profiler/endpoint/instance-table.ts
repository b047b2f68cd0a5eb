import { request } from 'undici';
import { InflessError } from '../../models/base/errors.ts';
import { packageVersion } from '../../models/base/package.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import type { Message, Signature } from '../../models/protocols/protocol.ts';
import { measuredShapes } from '../../profiles/conditions/shapes.ts';
import { readHost } from '../../profiles/host.ts';
import { UNKNOWN_HOST } from '../../profiles/host-schema.ts';
import { type Cell, PROFILE_SCHEMA, type ProfileTable } from '../../profiles/table.ts';
import { WarmUp } from '../cell/steady-state.ts';
import { Samples } from '../cell/stopping.ts';
import { fetchSignature } from '../load/metadata.ts';
import type { DescribedTarget } from '../load/target.ts';
import { modelOf, type ReadyReport } from './endpoint.ts';
import { type InstanceMetrics, readInstanceMetrics } from './instance-metrics.ts';

const TIMEOUT_MS = 60_000;
const PRECISION = { level: 0.95, relativeError: 0.03 };
/** Of execution; the time that requests wait in the server is not counted. */
const CELL_MS = 3000;
const WARM_UP_MS = 500;
/** Longest a cell takes, waiting included, once it has the fewest samples. */
const LONGEST_CELL_MS = 20_000;
const FEWEST_SAMPLES = 10;

/**
 * Times the batches of a running serving process, powers of two up to its largest, as the process itself
 * times them: what a sweep measures, of the one config that it has. No one else may ask it anything
 * meanwhile.
 *
 * @throws InflessError PLATFORM_FAILED, UNAVAILABLE when others ask it too; the signal's reason
 */
export async function measureInstanceTable(
  url: URL,
  instance: ReadyReport,
  signal: AbortSignal,
): Promise<ProfileTable> {
  const target = modelOf(instance, url);
  const signature = await fetchSignature(target, TIMEOUT_MS);
  const row = generateInputs({ name: instance.model, inputs: signature.inputs }, { batch: 1 });
  const cells: Cell[] = [];
  for (const batch of batchesOf(instance, signature)) {
    signal.throwIfAborted();
    cells.push(await measureCell(target.url, instance, requestFor(target, signature, batch), batch, signal));
  }
  const isHere = ['localhost', '[::1]'].includes(url.hostname) || url.hostname.startsWith('127.');
  const host = isHere ? await readHost() : UNKNOWN_HOST;
  return {
    schema: PROFILE_SCHEMA,
    createdAt: new Date().toISOString(),
    tool: `infless ${packageVersion}, from ${url.origin}`,
    model: {
      name: instance.model,
      format: 'unknown',
      digest: instance.digest,
      sizeBytes: 0,
      ...signature,
    },
    host,
    engine: 'unknown',
    shapes: measuredShapes(signature, row),
    quota: { mechanism: 'threads', periodMicros: null },
    confidence: PRECISION,
    cells,
  };
}

function batchesOf({ maxBatch }: ReadyReport, { inputs }: Signature): number[] {
  if (inputs.some(({ batchAxis }) => batchAxis === null)) return [1];
  const powers = Array.from({ length: Math.floor(Math.log2(maxBatch)) + 1 }, (_, power) => 2 ** power);
  return [...new Set([...powers, maxBatch])];
}

function requestFor({ protocol }: DescribedTarget, { inputs }: Signature, batch: number): Message {
  const model = { name: 'the target', inputs };
  return protocol.request(generateInputs(model, { batch }), model);
}

async function measureCell(
  url: URL,
  instance: ReadyReport,
  message: Message,
  batch: number,
  signal: AbortSignal,
): Promise<Cell> {
  let before = await readInstanceMetrics(url, TIMEOUT_MS);
  const run = async (): Promise<number> => {
    signal.throwIfAborted();
    await ask(url, message);
    const after = await readInstanceMetrics(url, TIMEOUT_MS);
    if (after.batches !== before.batches + 1) throw disturbed(url);
    const executeMs = after.executeMs - before.executeMs;
    before = after;
    return executeMs;
  };

  const beginMs = performance.now();
  const isTooLong = (): boolean => performance.now() - beginMs > LONGEST_CELL_MS;
  const warmUp = new WarmUp({ windowMs: WARM_UP_MS / 10, budgetMs: WARM_UP_MS });
  while (!warmUp.finished) warmUp.add(await run());
  const first = before;
  const samples = new Samples({ ...PRECISION, budgetMs: CELL_MS, periodMs: 0 });
  while (!samples.enough && !(isTooLong() && samples.count >= FEWEST_SAMPLES)) samples.add(await run());
  return cellOf(instance, batch, samples, { first, last: before }, warmUp.runs);
}

function cellOf(
  { cpuMillicores, threads, loadMs, firstAnswerMs }: ReadyReport,
  batch: number,
  samples: Samples,
  { first, last }: { readonly first: InstanceMetrics; readonly last: InstanceMetrics },
  warmupRuns: number,
): Cell {
  const { latencyMs, converged } = samples.result();
  const { count } = samples;
  return {
    batch,
    cpuMillicores,
    gpuPercent: 0,
    threads,
    spinning: false,
    latencyMs,
    samples: count,
    warmupRuns,
    converged,
    throughputPerSecond: (batch * 1000) / latencyMs.mean,
    cpuMs: (last.cpuMs - first.cpuMs) / count,
    codecMs: {
      decode: (last.decodeMs - first.decodeMs) / (count * batch),
      encode: (last.encodeMs - first.encodeMs) / (count * batch),
    },
    peakMemoryBytes: last.memoryBytes,
    loadMs,
    firstAnswerMs,
    throttling: null,
  };
}

async function ask(url: URL, { contentType, body }: Message): Promise<void> {
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const text = await answer.body.text();
  if (answer.statusCode === 200) return;
  throw new InflessError(
    'PLATFORM_FAILED',
    `${url.href} does not answer a batch: status ${answer.statusCode}, ${text.slice(0, 200)}`,
    { remedy: 'Look into its log.' },
  );
}

function disturbed(url: URL): InflessError {
  return new InflessError('UNAVAILABLE', `Others ask ${url.origin} too, so its batches cannot be timed`, {
    remedy: 'Take it out of traffic while it is measured, or leave --output out.',
  });
}
