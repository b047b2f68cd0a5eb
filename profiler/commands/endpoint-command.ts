import type { Command } from 'commander';
import pc from 'picocolors';
import { onInterrupt } from '../../models/base/command-line/interrupt.ts';
import { wholeNumber } from '../../models/base/command-line/parsers.ts';
import { EXIT_INTERRUPTED, InflessError } from '../../models/base/errors.ts';
import { writeFileSafely } from '../../models/base/files.ts';
import { formatDuration } from '../../models/base/units.ts';
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

const DEFAULT_MAX_TIME_MS = 900_000;
const DEFAULTS = { confidence: 0.95, tolerance: 0.05, maxRate: 10_000, seed: 1, longestWarmUpMs: 10_000 };

interface CliOptions {
  readonly slo?: number;
  readonly percentile?: number;
  readonly confidence?: number;
  readonly error?: number;
  readonly maxRate?: number;
  readonly maxTime?: number;
  readonly warmUp?: number;
  readonly data?: string;
  readonly header?: readonly (readonly [string, string])[];
  readonly seed?: number;
  readonly json?: string | true;
  readonly output?: string;
}

/** `infless-profile endpoint URL`, and `infless-profile URL`: how much an endpoint takes. */
export function addEndpointCommand(program: Command): void {
  program
    .command('endpoint')
    .description('the highest rate at which a running endpoint keeps its SLO (also: infless-profile URL)')
    .argument('<url>', TARGET_HELP)
    .option('--slo <duration>', "latency target (default: the function's own)", (text) =>
      parsePositiveMs(text, '--slo'),
    )
    .option(
      '--percentile <percent>',
      "share of all requests that must meet it (default: the function's own, else 99)",
      (text) => Math.round(parsePercent(text, '--percentile', 50, 99.99) * 1e6) / 1e4,
    )
    .option('--confidence <percent>', 'that the verdict on a rate is right (default: 95%)', (text) =>
      parsePercent(text, '--confidence', 50, 99.99),
    )
    .option(
      '--error <percent>',
      'how close the rates that held and did not hold are to come (default: 5%)',
      (text) => parsePercent(text, '--error', 1, 50),
    )
    .option('--max-rate <number>', 'requests per second never gone beyond (default: 10000)', parseMaxRate)
    .option('--max-time <duration>', 'end with what is known by then (default: 15m)', (text) =>
      parsePositiveMs(text, '--max-time'),
    )
    .option(
      '--warm-up <duration>',
      'at each rate, uncounted, while requests are late: time for new instances (default: 10s)',
      (text) => parsePositiveMs(text, '--warm-up'),
    )
    .option('--data <file>', "request body from a file (default: made up from the model's metadata)")
    .option('--header <line>', 'request header, like "Authorization: Basic …"; repeatable', collectHeader)
    .option('--seed <integer>', 'of arrivals and inputs (default: 1)', (text) =>
      wholeNumber(0)(text, '--seed'),
    )
    .option('--json [file]', 'every trial as JSON, to a file, or to standard output instead of the summary')
    .option(
      '-o, --output <file>',
      'a single serving process: also time its batches, and write them as a profile table',
    )
    .action(endpoint);
}

/** `infless-profile URL …` stands for `infless-profile endpoint URL …`; any other arguments are left as they are. */
export function withEndpointCommand(argv: readonly string[], program: Command): readonly string[] {
  const [node = '', file = '', ...args] = argv;
  const isCommand = program.commands.some((command) => command.name() === args[0]);
  if (isCommand || !args.some((argument) => /^https?:\/\//.test(argument))) return argv;
  return [node, file, 'endpoint', ...args];
}

async function endpoint(url: string, cli: CliOptions): Promise<void> {
  const options = await toOptions(cli);
  const interrupt = onInterrupt();
  const overtime = AbortSignal.timeout(cli.maxTime ?? DEFAULT_MAX_TIME_MS);
  const signal = AbortSignal.any([interrupt.signal, overtime]);
  try {
    const target = await openEndpoint(url, options);
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

async function toOptions(cli: CliOptions): Promise<EndpointOptions> {
  return {
    ...(cli.slo === undefined ? {} : { sloMs: cli.slo }),
    ...(cli.percentile === undefined ? {} : { percentile: cli.percentile }),
    confidence: cli.confidence ?? DEFAULTS.confidence,
    tolerance: cli.error ?? DEFAULTS.tolerance,
    maxRate: cli.maxRate ?? DEFAULTS.maxRate,
    seed: cli.seed ?? DEFAULTS.seed,
    longestWarmUpMs: cli.warmUp ?? DEFAULTS.longestWarmUpMs,
    headers: Object.fromEntries(cli.header ?? []),
    ...(cli.data === undefined ? {} : { body: await readBodyFile(cli.data) }),
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

function collectHeader(
  line: string,
  earlier: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  return [...earlier, parseHeader(line)];
}

function parseMaxRate(text: string): number {
  const rate = parseRate(text, '--max-rate');
  if (rate > 0) return rate;
  throw new InflessError('INVALID_INPUT', '--max-rate must be above 0');
}
