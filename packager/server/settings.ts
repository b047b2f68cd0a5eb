import { availableParallelism, hostname } from 'node:os';
import { z } from 'zod';
import { option, type Values } from '../../models/base/command-line/option-table.ts';
import { decimal, file, oneOf, text, wholeNumber } from '../../models/base/command-line/parsers.ts';
import { readEnvironment } from '../../models/base/command-line/read-options.ts';
import { InflessError } from '../../models/base/errors.ts';
import { parseJson, parseWith } from '../../models/base/schema.ts';
import { type GivenAxes, givenAxesOf, givenAxesSchema } from '../../models/manifest/batch-axis.ts';
import { BATCHING_CHOICES } from '../../models/manifest/manifest.ts';
import { SERVER_ENVIRONMENT as ENV } from './instance-protocol.ts';

/** What a serving process reads from its environment. */
export const SERVER_OPTIONS = {
  model: option({
    env: ENV.model,
    parse: text,
    required: true,
    help: 'a model file, or a model of the zoo',
  }),
  modelName: option({
    env: ENV.modelName,
    parse: parseModelName,
    otherwise: "the manifest's",
    help: 'name of the model under /v1/models/',
  }),
  manifest: option({
    env: ENV.manifest,
    parse: file,
    help: 'file that says what the model is; without it, each start runs the model to find out',
  }),
  sample: option({
    env: ENV.sample,
    parse: text,
    help: 'a request to warm up with, as a file or as JSON like {"instances": [ONE ROW]}',
  }),
  shapes: option({
    env: ENV.shapes,
    parse: parseShapes,
    help: 'sizes of inputs to warm up with, as JSON like {"images": [1, 3, 640, 640]}',
  }),
  batchAxes: option({
    env: ENV.batchAxis,
    parse: parseBatchAxes,
    otherwise: 'found by trying',
    help: 'the axis along which the rows of a batch lie, like 0, or by inputs as JSON like {"images": 0}; it is still proven',
  }),
  instanceId: option({
    env: ENV.instanceId,
    parse: text,
    default: () => `${hostname()}-${process.pid}`,
    otherwise: 'host and process',
    help: 'name of this instance in logs and metrics',
  }),
  // An image sets 0.0.0.0: there the container is the border.
  host: option({ env: ENV.host, parse: text, default: '127.0.0.1', help: 'address to listen on' }),
  port: option({
    env: ENV.port,
    parse: wholeNumber(0, 65_535),
    default: '8080',
    help: 'port to listen on; 0 picks a free one',
  }),
  cpuMillicores: option({
    env: ENV.cpuMillicores,
    parse: wholeNumber(1, 1_000_000),
    default: () => String(availableParallelism() * 1000),
    otherwise: 'all cores of this machine',
    help: 'its CPU quota, in thousandths of a core',
  }),
  gpuPercent: option({
    env: ENV.gpuPercent,
    parse: decimal(0, 100),
    default: '0',
    help: 'its share of a GPU, in percent',
  }),
  provider: option({
    env: ENV.provider,
    parse: text,
    otherwise: 'cuda',
    help: 'execution provider for a share of a GPU: cuda, tensorrt, …',
  }),
  maxBatch: option({ env: ENV.maxBatch, parse: wholeNumber(1, 4096), default: '8', help: 'largest batch' }),
  batching: option({
    env: ENV.batching,
    parse: oneOf(BATCHING_CHOICES),
    default: 'proven',
    help: 'which models share runs: proven, those shown to keep rows apart, or trust, any that declares rows',
  }),
  batchAudit: option({
    env: ENV.batchAudit,
    parse: wholeNumber(0, 1_000_000_000),
    default: '4000',
    help: 'every so many batches, one is run again request by request and compared; 0 is never',
  }),
  sloMs: option({
    env: ENV.sloMs,
    parse: decimal(1, 3_600_000),
    default: '200',
    help: 'latency target, in milliseconds',
  }),
  profile: option({
    env: ENV.profile,
    parse: file,
    help: 'profile table: how long batches take, for a process that runs alone',
  }),
  queueLimit: option({
    env: ENV.queueLimit,
    parse: wholeNumber(1, 1_000_000),
    default: '256',
    help: 'most requests that may wait; further ones are answered 429',
  }),
  maxBodyBytes: option({
    env: ENV.maxBodyBytes,
    parse: wholeNumber(1, 2 ** 30),
    default: String(32 * 2 ** 20),
    help: 'largest body of a request, in bytes',
  }),
  maxRows: option({
    env: ENV.maxRows,
    parse: wholeNumber(1, 1_000_000),
    otherwise: 'four largest batches, 64 at least',
    help: 'most rows of a request; with more it is answered 413',
  }),
  maxAnswerBytes: option({
    env: ENV.maxAnswerBytes,
    parse: wholeNumber(1, 2 ** 30),
    default: String(64 * 2 ** 20),
    help: 'largest body of an answer, in bytes; in place of a larger one there is a 413',
  }),
  maxWaitMs: option({
    env: ENV.maxWaitMs,
    parse: decimal(1, 3_600_000),
    default: '10000',
    help: 'longest wait of a request before it is answered 504, in milliseconds',
  }),
  drainMs: option({
    env: ENV.drainMs,
    parse: decimal(0, 3_600_000),
    default: '25000', // below the 30 s after which Kubernetes kills
    help: 'on SIGTERM, how long queued requests may still take, in milliseconds',
  }),
  orphanMs: option({
    env: ENV.orphanMs,
    parse: decimal(0, 86_400_000),
    default: '0',
    help: 'end if /_/ready was not called for this long, in milliseconds; 0 is never',
  }),
};

export type ServerSettings = Values<typeof SERVER_OPTIONS>;

/**
 * Reads the settings of a serving process from its environment; an empty variable counts as unset.
 *
 * @throws InflessError INVALID_INPUT naming the variable and what it may hold.
 */
export function serverSettings(environment: NodeJS.ProcessEnv = process.env): ServerSettings {
  return readEnvironment(SERVER_OPTIONS, environment);
}

const shapesSchema = z.record(z.string(), z.array(z.number().int().min(1)).min(1));

function parseShapes(given: string, name: string): z.infer<typeof shapesSchema> {
  const what = { what: name, remedy: 'Write it like {"images": [1, 3, 640, 640]}.' };
  return parseWith(shapesSchema, parseJson(given, what), what);
}

function parseBatchAxes(given: string, name: string): GivenAxes {
  const what = { what: name, remedy: 'Write an axis, like 0, or {"images": 0}.' };
  return givenAxesOf(parseWith(givenAxesSchema, parseJson(given, what), what))!;
}

function parseModelName(given: string, name: string): string {
  if (/^[^/:?#%\s]+$/.test(given)) return given;
  throw new InflessError('INVALID_INPUT', `${name} "${given}" does not fit into a URL path`, {
    remedy: 'Give a name without / : ? # % or spaces.',
  });
}
