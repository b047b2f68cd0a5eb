import { Command, Option } from 'commander';
import { systemClock } from '../../../models/base/clock.ts';
import { onInterrupt } from '../../../models/base/command-line/interrupt.ts';
import { oneOf, wholeNumber } from '../../../models/base/command-line/parsers.ts';
import { EXIT_INTERRUPTED, InflessError } from '../../../models/base/errors.ts';
import { writeFileSafely } from '../../../models/base/files.ts';
import { parseDurationMs } from '../../../models/base/units.ts';
import { ARRIVALS, parseProcess } from '../../../profiler/load/options.ts';
import type { Policy } from '../../simulation/systems/serving-system.ts';
import { POLICIES, policyByName } from '../../simulation/systems/systems.ts';
import { readCluster } from '../inputs/cluster-file.ts';
import { readPlannedFunctions } from '../inputs/functions.ts';
import { type LoadCliOptions, readLoads } from '../inputs/load-options.ts';
import { renderPage } from '../page/page.ts';
import type { WhatIfReport } from '../report/report.ts';
import { renderText } from '../report/text-report.ts';
import { type WhatIfRequest, whatIf } from '../what-if.ts';
import { ProgressLine } from './progress-line.ts';

interface PlanOptions extends LoadCliOptions {
  readonly functions: string;
  readonly cluster: string;
  readonly arrivals: string;
  readonly cv?: string;
  readonly policies: string;
  readonly warmUp: string;
  readonly startup?: string;
  readonly noise: string;
  readonly seed: string;
  readonly json?: string | true;
  readonly html?: string;
}

/** `infless-autoscaler plan`: what would happen on a cluster under a load, without either. */
export function planCommand(): Command {
  return loadOptionsOn(
    new Command('plan')
      .description(
        'Simulate functions on a cluster under a load: is the SLO kept, with how much, at what cost?',
      )
      .requiredOption('-f, --functions <file>', 'YAML or JSON file of functions, each with its profile table')
      .requiredOption('-c, --cluster <file>', 'YAML or JSON file of nodes; also the INFless artifact’s'),
  )
    .option('--duration <duration>', 'how much to simulate (default: the longest trace, or 10m)')
    .option('--arrivals <process>', 'constant, poisson or gamma', 'poisson')
    .option('--cv <number>', 'coefficient of variation of gamma intervals: 1 is Poisson, 2 bursty')
    .addOption(
      new Option('--policies <names>', `of: ${POLICIES.map(({ name }) => name).join(', ')}`).default(
        'default,infless',
      ),
    )
    .option('--warm-up <duration>', 'the first rate comes for so long before anything counts', '60s')
    .option('--startup <duration>', 'start of an instance to its first answer (default: as the tables say)')
    .option(
      '--noise <cv>',
      'how unsteady batches are beside what the tables say: a coefficient of variation',
      '0',
    )
    .option('--seed <integer>', 'the same seed gives the same result', '1')
    .option('--json [file]', 'write the report as JSON to a file, or to standard output instead of the text')
    .option('--html <file>', 'write the report as a page with charts')
    .addHelpText(
      'after',
      `
A load is VALUE for all functions or NAME=VALUE for one:
  --rate 50 --trace mobilenet=rates.txt --azure resnet=invocations.csv#3fa2

Exit codes: 0 the SLO is kept by policy default, 1 it is not, 2 bad input, 130 interrupted.`,
    )
    .action((options: PlanOptions) => plan(options));
}

function loadOptionsOn(command: Command): Command {
  return command
    .option('--rate <load>', 'requests per second; repeatable', collect)
    .option(
      '--ramp <load>',
      'straight lines between rates at times, like 10@0s,50@10m,10@30m; repeatable',
      collect,
    )
    .option('--trace <load>', 'rates from a file: one a line, or CSV; repeatable', collect)
    .option(
      '--azure <load>',
      'a function of an Azure Functions trace (2019 or 2021 CSV): FILE#ID, or FILE for the busiest; repeatable',
      collect,
    )
    .option('--interval <duration>', 'how long each rate of a trace holds', '1s')
    .option('--column <name>', 'column of a CSV trace, by header or number', '1')
    .option('--scale <factor>', 'multiplies every rate', '1');
}

function collect(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

async function plan(options: PlanOptions): Promise<void> {
  const request = await toRequest(options);
  const interrupt = onInterrupt();
  const progress = new ProgressLine(process.stderr, systemClock);
  try {
    const report = await whatIf({
      ...request,
      signal: interrupt.signal,
      onProgress: (each) => progress.update(each),
    });
    progress.clear();
    await write(report, options);
    if (report.interrupted) process.exitCode = EXIT_INTERRUPTED;
    else if (!report.verdict.met) process.exitCode = 1;
  } finally {
    progress.clear();
    interrupt.release();
  }
}

async function toRequest(options: PlanOptions): Promise<WhatIfRequest> {
  const policies = readPolicies(options.policies);
  const arrivalProcess = parseProcess(oneOf(ARRIVALS)(options.arrivals, '--arrivals'), options.cv);
  const startupMs = options.startup === undefined ? undefined : parseDurationMs(options.startup, '--startup');
  const described = await readCluster(options.cluster);
  const cluster = startupMs === undefined ? described : { ...described, startupMs };
  const functions = await readPlannedFunctions(
    options.functions,
    cluster.startupMs === undefined ? {} : { startupMs: cluster.startupMs },
  );
  const names = functions.map(({ spec }) => spec.name);
  return {
    functions,
    cluster,
    loads: await readLoads(names, options),
    process: arrivalProcess,
    policies,
    warmUpMs: parseDurationMs(options.warmUp, '--warm-up'),
    seed: wholeNumber(0)(options.seed, '--seed'),
    executionNoiseCv: parseNoise(options.noise),
  };
}

function readPolicies(text: string): Policy[] {
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names)].map(policyByName);
}

function parseNoise(text: string): number {
  const cv = text.trim() === '' ? Number.NaN : Number(text);
  if (cv >= 0 && cv <= 10) return cv;
  throw new InflessError(
    'INVALID_INPUT',
    `--noise "${text}" is not a coefficient of variation from 0 to 10`,
    {
      remedy: 'Write it like 0.1.',
    },
  );
}

async function write(report: WhatIfReport, { json, html }: PlanOptions): Promise<void> {
  const text = `${JSON.stringify(report)}\n`;
  process.stdout.write(json === true ? text : renderText(report));
  if (typeof json === 'string') await writeFileSafely(json, text);
  if (html !== undefined) await writeFileSafely(html, await renderPage(report));
}
