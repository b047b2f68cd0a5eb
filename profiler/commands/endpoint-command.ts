import pc from 'picocolors';
import { onInterrupt } from '../../models/base/command-line/interrupt.ts';
import {
  argument,
  defineProgram,
  option,
  optionalValue,
  repeatable,
  type Values,
} from '../../models/base/command-line/option-table.ts';
import { file, text, wholeNumber } from '../../models/base/command-line/parsers.ts';
import { EXIT_INTERRUPTED, InflessError } from '../../models/base/errors.ts';
import { writeFileSafely } from '../../models/base/files.ts';
import { formatDuration } from '../../models/base/units.ts';
import { readLikeness, SAMPLE_OPTION, SHAPE_OPTION } from '../../models/sample/options.ts';
import { saveTable } from '../../profiles/store.ts';
import { type CapacityReport, formatTrial, renderCapacity } from '../endpoint/capacity-report.ts';
import { measureInstanceTable } from '../endpoint/instance-table.ts';
import type { CapacityListener } from '../endpoint/measure-capacity.ts';
import {
  type Endpoint,
  type EndpointOptions,
  openEndpoint,
  profileEndpoint,
} from '../endpoint/profile-endpoint.ts';
import { parseRate } from '../load/arrivals/rates.ts';
import { parseHeader, readBodyFile } from '../load/options.ts';
import { TARGET_HELP } from '../load/target.ts';
import { parsePercent, parsePositiveMs } from './options.ts';

const OPTIONS = {
  url: argument({ argument: '<url>', parse: text, help: TARGET_HELP }),
  slo: option({
    flag: '--slo <duration>',
    parse: parsePositiveMs,
    otherwise: "the function's own",
    help: 'latency target',
  }),
  percentile: option({
    flag: '--percentile <percent>',
    parse: (given, name) => Math.round(parsePercent(given, name, 50, 99.99) * 1e6) / 1e4,
    otherwise: "the function's own, else 99",
    help: 'share of all requests, in percent, that must meet it',
  }),
  confidence: option({
    flag: '--confidence <percent>',
    parse: (given, name) => parsePercent(given, name, 50, 99.99),
    default: '95%',
    help: 'confidence that the verdict on a rate is right',
  }),
  error: option({
    flag: '--error <percent>',
    parse: (given, name) => parsePercent(given, name, 1, 50),
    default: '5%',
    help: 'largest gap between the highest rate that held and the lowest that did not',
  }),
  maxRate: option({
    flag: '--max-rate <number>',
    parse: parseMaxRate,
    default: '10000',
    help: 'highest rate to try, in requests per second',
  }),
  maxTime: option({
    flag: '--max-time <duration>',
    parse: parsePositiveMs,
    default: '15m',
    help: 'stop after this long, with what is known by then',
  }),
  warmUp: option({
    flag: '--warm-up <duration>',
    parse: parsePositiveMs,
    default: '10s',
    help: 'longest warm-up at each rate, not counted: time for new instances to start',
  }),
  sample: SAMPLE_OPTION,
  shape: SHAPE_OPTION,
  data: option({
    flag: '--data <file>',
    parse: file,
    otherwise: "made up from the model's metadata",
    help: 'request body from a file',
  }),
  header: repeatable({
    flag: '--header <line>',
    parse: parseHeader,
    help: 'request header, like "Authorization: Basic …"',
  }),
  seed: option({
    flag: '--seed <integer>',
    parse: wholeNumber(0),
    default: '1',
    help: 'the same seed gives the same arrivals and inputs',
  }),
  json: optionalValue({
    flag: '--json [file]',
    parse: file,
    help: 'write every trial as JSON to a file, or to standard output in place of the summary',
  }),
  output: option({
    flag: '-o, --output <file>',
    parse: file,
    help: 'a single serving process: also time its batches, and write them as a profile table',
  }),
};

type EndpointValues = Values<typeof OPTIONS>;

/** `infless-profile endpoint URL`, and `infless-profile URL`: how much an endpoint takes. */
export const endpointCommand = defineProgram({
  name: 'endpoint',
  summary: 'Find the highest rate at which a running endpoint keeps its SLO (also: infless-profile URL).',
  options: OPTIONS,
  run: endpoint,
});

async function endpoint(cli: EndpointValues): Promise<void> {
  const options = await toOptions(cli);
  const interrupt = onInterrupt();
  const overtime = AbortSignal.timeout(cli.maxTime);
  const signal = AbortSignal.any([interrupt.signal, overtime]);
  try {
    const target = await openEndpoint(cli.url, options);
    if (cli.output !== undefined) requireInstance(target);
    const report = await profileEndpoint(target, options, progress(), signal);
    await write(report, cli.json);
    if (cli.output !== undefined && !interrupt.signal.aborted)
      await writeTable(target, cli.output, interrupt.signal);
    process.exitCode = exitCodeOf(report, interrupt.signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write('Ended before a rate was tried.\n');
    process.exitCode = interrupt.signal.aborted ? EXIT_INTERRUPTED : 1;
  } finally {
    interrupt.release();
  }
}

async function toOptions(cli: EndpointValues): Promise<EndpointOptions> {
  return {
    ...(cli.slo === undefined ? {} : { sloMs: cli.slo }),
    ...(cli.percentile === undefined ? {} : { percentile: cli.percentile }),
    confidence: cli.confidence,
    tolerance: cli.error,
    maxRate: cli.maxRate,
    seed: cli.seed,
    longestWarmUpMs: cli.warmUp,
    headers: Object.fromEntries(cli.header),
    ...(cli.data === undefined ? { like: await readLikeness(cli) } : { body: await readBodyFile(cli.data) }),
  };
}

function progress(): CapacityListener {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  return {
    onIdle: ({ firstAnswerMs, latencyMs }) =>
      say(
        `first answer ${formatDuration(firstAnswerMs)}; one request at a time p50 ${formatDuration(latencyMs.p50)}`,
      ),
    onTrialEnd: (trial) => say(formatTrial(trial)),
  };
}

async function write(report: CapacityReport, json: string | true | undefined): Promise<void> {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const colors = pc.createColors(process.stdout.isTTY && pc.isColorSupported);
  process.stdout.write(json === true ? text : renderCapacity(report, colors));
  if (typeof json === 'string') await writeFileSafely(json, text);
}

async function writeTable(target: Endpoint, output: string, signal: AbortSignal): Promise<void> {
  const table = await measureInstanceTable(target.target.url, target.instance!, signal);
  await saveTable(table, output);
  process.stderr.write(`Table of ${table.cells.length} cells saved as ${output}\n`);
}

function requireInstance({ instance, target }: Endpoint): void {
  if (instance !== undefined) return;
  throw new InflessError(
    'INVALID_INPUT',
    `${target.url.href} does not tell its config: there is no table of it`,
    { remedy: 'Leave --output out, or give the address of a single serving process.' },
  );
}

function exitCodeOf({ heldRate }: CapacityReport, interrupted: AbortSignal): number {
  if (interrupted.aborted) return EXIT_INTERRUPTED;
  return heldRate === null ? 1 : 0;
}

function parseMaxRate(given: string, name: string): number {
  const rate = parseRate(given, name);
  if (rate > 0) return rate;
  throw new InflessError('INVALID_INPUT', `${name} must be above 0`);
}
