import { readFile } from 'node:fs/promises';
import {
  argument,
  option,
  optionalValue,
  repeatable,
  type Values,
} from '../../models/base/command-line/option-table.ts';
import { file, oneOf, text, wholeNumber } from '../../models/base/command-line/parsers.ts';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { parseDurationMs } from '../../models/base/units.ts';
import { PROTOCOLS } from '../../models/protocols/index.ts';
import { readLikeness, SAMPLE_OPTION, SHAPE_OPTION } from '../../models/sample/options.ts';
import type { ArrivalProcess } from './arrivals/arrivals.ts';
import {
  constantRate,
  cutRate,
  durationOf,
  parseRamp,
  parseRate,
  type RateCurve,
  rampedRate,
  scaleRate,
  steppedRate,
} from './arrivals/rates.ts';
import { readTrace } from './arrivals/trace-file.ts';
import type { LoadOptions } from './run.ts';
import { TARGET_HELP } from './target.ts';

const DEFAULT_DURATION_MS = 30_000;

/** How requests may spread around their rate. */
export const ARRIVALS = ['constant', 'poisson', 'gamma'] as const;

const RATES = 'Rate';
const REQUESTS = 'Requests';
const VERDICT = 'Report';

/** The options of `infless-load`. */
export const LOAD_OPTIONS = {
  url: argument({ argument: '<url>', parse: text, help: TARGET_HELP }),
  rate: option({ flag: '--rate <number>', parse: parseRate, group: RATES, help: 'requests per second' }),
  ramp: option({
    flag: '--ramp <points>',
    parse: parseRamp,
    group: RATES,
    help: 'straight lines between rates at times, like 10@0s,50@10s,10@30s',
  }),
  trace: option({
    flag: '--trace <file>',
    parse: file,
    group: RATES,
    help: 'rates from a file: one a line, or CSV',
  }),
  interval: option({
    flag: '--interval <duration>',
    parse: parseInterval,
    default: '1s',
    group: RATES,
    help: 'how long each rate of the trace holds',
  }),
  column: option({
    flag: '--column <name>',
    parse: text,
    default: '1',
    group: RATES,
    help: 'column of a CSV trace, by header or number',
  }),
  scale: option({
    flag: '--scale <factor>',
    parse: parseRate,
    default: '1',
    group: RATES,
    help: 'multiply every rate by this',
  }),
  duration: option({
    flag: '--duration <duration>',
    parse: parseDurationMs,
    otherwise: '30s, or to the end of ramp or trace',
    group: RATES,
    help: 'how long to send',
  }),
  arrivals: option({
    flag: '--arrivals <process>',
    parse: oneOf(ARRIVALS),
    default: 'poisson',
    group: RATES,
    help: 'how requests spread around their rate',
  }),
  cv: option({
    flag: '--cv <number>',
    parse: text,
    group: RATES,
    help: 'coefficient of variation of gamma intervals: 1 is Poisson, 2 is bursty',
  }),
  seed: option({
    flag: '--seed <integer>',
    parse: wholeNumber(0),
    default: '1',
    group: RATES,
    help: 'the same seed gives the same arrivals and inputs',
  }),
  protocol: option({
    flag: '--protocol <name>',
    parse: oneOf(PROTOCOLS.map(({ name }) => name)),
    otherwise: 'by the URL',
    group: REQUESTS,
    help: 'how to speak to the target',
  }),
  data: option({ flag: '--data <file>', parse: file, group: REQUESTS, help: 'request body from a file' }),
  sample: {
    ...SAMPLE_OPTION,
    group: REQUESTS,
    help: 'a request to make up others like, of one row: JSON as TensorFlow Serving takes it, .npy or .npz',
  },
  shape: { ...SHAPE_OPTION, group: REQUESTS },
  body: option({
    flag: '--body <text>',
    parse: text,
    otherwise: "made up from the model's metadata",
    group: REQUESTS,
    help: 'request body',
  }),
  method: option({
    flag: '--method <method>',
    parse: text,
    default: 'POST',
    group: REQUESTS,
    help: 'HTTP method',
  }),
  header: repeatable({
    flag: '--header <line>',
    parse: parseHeader,
    group: REQUESTS,
    help: 'request header, like "Authorization: Basic …"',
  }),
  timeout: option({
    flag: '--timeout <duration>',
    parse: parseDurationMs,
    default: '30s',
    group: REQUESTS,
    help: 'give up on an answer after this long',
  }),
  maxOutstanding: option({
    flag: '--max-outstanding <count>',
    parse: wholeNumber(1),
    default: '1000',
    group: REQUESTS,
    help: 'requests in flight at once; those beyond are dropped',
  }),
  slo: option({
    flag: '--slo <duration>',
    parse: parseDurationMs,
    group: VERDICT,
    help: 'latency target; exit code 1 if it is missed',
  }),
  percentile: option({
    flag: '--percentile <number>',
    parse: parsePercentile,
    default: '99',
    group: VERDICT,
    help: 'share of all requests, in percent, that must meet the SLO',
  }),
  json: optionalValue({
    flag: '--json [file]',
    parse: file,
    group: VERDICT,
    help: 'write the report as JSON to a file, or to standard output in place of the summary',
  }),
};

type LoadValues = Values<typeof LOAD_OPTIONS>;

/** @throws InflessError INVALID_INPUT naming the option that is wrong */
export async function toLoadOptions(values: LoadValues): Promise<LoadOptions> {
  const body = await readBody(values);
  return {
    url: values.url,
    rates: await readRates(values),
    process: parseProcess(values.arrivals, values.cv),
    seed: values.seed,
    method: values.method.toUpperCase(),
    ...(values.protocol === undefined ? {} : { protocol: values.protocol }),
    headers: Object.fromEntries(values.header),
    ...(body === undefined ? { like: await readLikeness(values) } : { bodies: [body] }),
    timeoutMs: values.timeout,
    maxOutstanding: values.maxOutstanding,
    ...(values.slo === undefined ? {} : { slo: { ms: values.slo, percentile: values.percentile } }),
  };
}

async function readRates(values: LoadValues): Promise<RateCurve> {
  const curve = await readCurve(values);
  return cutRate(scaleRate(curve, values.scale), values.duration ?? durationOf(curve));
}

async function readCurve({ rate, ramp, trace, interval, column, duration }: LoadValues): Promise<RateCurve> {
  if ([rate, ramp, trace].filter((given) => given !== undefined).length !== 1) {
    throw new InflessError('INVALID_INPUT', 'How many requests to send must be said in one way', {
      remedy: 'Give one of --rate, --ramp and --trace.',
    });
  }
  if (trace !== undefined) return steppedRate(await readTrace(trace, column), interval);
  if (rate !== undefined) return constantRate(rate, duration ?? DEFAULT_DURATION_MS);
  return rampedRate(ramp!, duration);
}

/** How arrivals spread, as `--arrivals` and `--cv` say. */
export function parseProcess(type: (typeof ARRIVALS)[number], cv: string | undefined): ArrivalProcess {
  if (type !== 'gamma') {
    if (cv !== undefined) throw invalid('--cv is a property of gamma arrivals', 'Add --arrivals gamma.');
    return { type };
  }
  const value = Number(cv);
  if (!(value > 0 && value <= 100)) {
    throw invalid(
      'Gamma arrivals need a coefficient of variation above 0 and at most 100',
      'Give one, like --cv 2.',
    );
  }
  return { type, cv: value };
}

/** A duration that is not zero. */
export function parseInterval(given: string, option: string): number {
  const intervalMs = parseDurationMs(given, option);
  if (intervalMs > 0) return intervalMs;
  throw invalid(`${option} must be longer than 0`, 'Write it like 1s.');
}

function parsePercentile(given: string, option: string): number {
  const value = Number(given);
  if (value > 0 && value < 100) return value;
  throw invalid(`${option} "${given}" is not between 0 and 100`, 'Write it like 99 or 99.9.');
}

/** Reads `Name: value`; the name comes in lower case. */
export function parseHeader(line: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/.exec(line);
  if (match === null) throw invalid(`--header "${line}" is not a header`, 'Write it like "Name: value".');
  return [match[1]!.toLowerCase(), match[2]!];
}

async function readBody({ data, body, sample, shape }: LoadValues): Promise<Uint8Array | undefined> {
  if (data !== undefined && body !== undefined) throw invalid('--data and --body exclude each other');
  const given = body !== undefined ? '--body' : data !== undefined ? '--data' : undefined;
  const madeUp = sample !== undefined ? '--sample' : shape.length > 0 ? '--shape' : undefined;
  if (given !== undefined && madeUp !== undefined) {
    throw invalid(`${given} and ${madeUp} exclude each other: a body is sent as it is`);
  }
  if (body !== undefined) return Buffer.from(body);
  return data === undefined ? undefined : readBodyFile(data);
}

/** @throws InflessError INVALID_INPUT */
export async function readBodyFile(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw invalid(`Request body ${file} cannot be read (${systemCode(error) ?? messageOf(error)})`);
  }
}

function invalid(what: string, remedy?: string): InflessError {
  return new InflessError('INVALID_INPUT', what, remedy === undefined ? {} : { remedy });
}
