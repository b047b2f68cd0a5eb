import { readFile } from 'node:fs/promises';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { parseDurationMs } from '../../models/base/units.ts';
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
import type { Slo } from './report.ts';
import type { LoadOptions } from './run.ts';

const DEFAULT_DURATION_MS = 30_000;

/** The options of `infless-load` as commander hands them over: text. */
export interface CliOptions {
  readonly rate?: string;
  readonly ramp?: string;
  readonly trace?: string;
  readonly interval: string;
  readonly column: string;
  readonly scale: string;
  readonly duration?: string;
  readonly arrivals: string;
  readonly cv?: string;
  readonly seed: string;
  readonly data?: string;
  readonly body?: string;
  readonly method: string;
  readonly protocol?: string;
  readonly header?: readonly string[];
  readonly timeout: string;
  readonly maxOutstanding: string;
  readonly slo?: string;
  readonly percentile: string;
  readonly json?: string | true;
}

/** @throws InflessError INVALID_INPUT naming the option that is wrong */
export async function toLoadOptions(url: string, options: CliOptions): Promise<LoadOptions> {
  const body = await readBody(options);
  return {
    url,
    rates: await readRates(options),
    process: parseProcess(options.arrivals, options.cv),
    seed: parseInteger(options.seed, '--seed'),
    method: options.method.toUpperCase(),
    ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
    headers: Object.fromEntries((options.header ?? []).map(parseHeader)),
    ...(body === undefined ? {} : { bodies: [body] }),
    timeoutMs: parseDurationMs(options.timeout, '--timeout'),
    maxOutstanding: parseInteger(options.maxOutstanding, '--max-outstanding', 1),
    ...(options.slo === undefined ? {} : { slo: parseSlo(options.slo, options.percentile) }),
  };
}

async function readRates(options: CliOptions): Promise<RateCurve> {
  const durationMs =
    options.duration === undefined ? undefined : parseDurationMs(options.duration, '--duration');
  const curve = await readCurve(options, durationMs);
  return cutRate(scaleRate(curve, parseRate(options.scale, '--scale')), durationMs ?? durationOf(curve));
}

async function readCurve(options: CliOptions, durationMs: number | undefined): Promise<RateCurve> {
  const { rate, ramp, trace } = options;
  if ([rate, ramp, trace].filter((given) => given !== undefined).length !== 1) {
    throw new InflessError('INVALID_INPUT', 'How many requests to send must be said in one way', {
      remedy: 'Give one of --rate, --ramp and --trace.',
    });
  }
  if (trace !== undefined) {
    const intervalMs = parseDurationMs(options.interval, '--interval');
    if (intervalMs === 0) throw invalid('--interval must be longer than 0', 'Write it like 1s.');
    return steppedRate(await readTrace(trace, options.column), intervalMs);
  }
  if (rate !== undefined) return constantRate(parseRate(rate, '--rate'), durationMs ?? DEFAULT_DURATION_MS);
  return rampedRate(parseRamp(ramp!), durationMs);
}

/** How arrivals spread, as `--arrivals` and `--cv` say. */
export function parseProcess(type: string, cv: string | undefined): ArrivalProcess {
  if (type !== 'gamma') {
    if (cv !== undefined) throw invalid('--cv is a property of gamma arrivals', 'Add --arrivals gamma.');
    if (type === 'constant' || type === 'poisson') return { type };
    throw invalid(`--arrivals "${type}" is not known`, 'Choose constant, poisson or gamma.');
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

function parseSlo(slo: string, percentile: string): Slo {
  const value = Number(percentile);
  if (!(value > 0 && value < 100)) {
    throw invalid(`--percentile "${percentile}" is not between 0 and 100`, 'Write it like 99 or 99.9.');
  }
  return { ms: parseDurationMs(slo, '--slo'), percentile: value };
}

/** @throws InflessError INVALID_INPUT naming the option */
export function parseInteger(text: string, option: string, least = 0): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw invalid(`${option} "${text}" is not a whole number from ${least} on`);
}

/** Reads `Name: value`; the name comes in lower case. */
export function parseHeader(line: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/.exec(line);
  if (match === null) throw invalid(`--header "${line}" is not a header`, 'Write it like "Name: value".');
  return [match[1]!.toLowerCase(), match[2]!];
}

async function readBody({ data, body }: CliOptions): Promise<Uint8Array | undefined> {
  if (data !== undefined && body !== undefined) throw invalid('--data and --body exclude each other');
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
