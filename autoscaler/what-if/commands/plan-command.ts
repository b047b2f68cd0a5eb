import { access } from 'node:fs/promises';
import { systemClock } from '../../../models/base/clock.ts';
import { onInterrupt } from '../../../models/base/command-line/interrupt.ts';
import {
  defineProgram,
  option,
  optionalValue,
  type Parser,
  type Values,
} from '../../../models/base/command-line/option-table.ts';
import { file, wholeNumber } from '../../../models/base/command-line/parsers.ts';
import { EXIT_INTERRUPTED, InflessError } from '../../../models/base/errors.ts';
import { writeFileSafely } from '../../../models/base/files.ts';
import { formatDuration, parseDurationMs } from '../../../models/base/units.ts';
import { parseProcess } from '../../../profiler/load/options.ts';
import type { System } from '../../simulation/systems/serving-system.ts';
import { SYSTEMS } from '../../simulation/systems/systems.ts';
import { requireSelectable } from '../inputs/cluster.ts';
import { CALL_OPTIONS, readLoads } from '../inputs/load-options.ts';
import { type OwnPolicyFile, parsePolicies } from '../own-policies/own-policy.ts';
import type { WhatIfReport } from '../report/report.ts';
import type { WhatIfRequest } from '../what-if.ts';
import { ProgressLine } from './progress-line.ts';
import { openRequestCsv } from './request-csv.ts';

const policyNames: Parser<readonly (System | OwnPolicyFile)[]> = Object.assign(parsePolicies, {
  choices: SYSTEMS.map(({ name }) => name),
  completes: 'file',
} as const);

function parseNoise(given: string, name: string): number {
  const cv = given.trim() === '' ? Number.NaN : Number(given);
  if (cv >= 0 && cv <= 10) return cv;
  throw new InflessError(
    'INVALID_INPUT',
    `${name} "${given}" is not a coefficient of variation from 0 to 10`,
    { remedy: 'Write it like 0.1.' },
  );
}

const REPORT = 'Report';

export const PLAN_OPTIONS = {
  functions: option({
    flag: '-f, --functions <file>',
    parse: file,
    required: true,
    help: 'YAML or JSON file of functions, each with its profile table',
  }),
  cluster: option({
    flag: '-c, --cluster <file>',
    parse: file,
    required: true,
    help: 'YAML or JSON file of nodes; also the INFless artifact’s',
  }),
  policies: option({
    flag: '--policies <names>',
    parse: policyNames,
    default: 'default,infless',
    help: 'policies to compare, separated by commas; variations, like infless+fixed; also your own, like ./mine.mjs',
  }),
  warmUp: option({
    flag: '--warm-up <duration>',
    parse: parseDurationMs,
    default: '60s',
    help: 'serve the first rate for this long before anything counts',
  }),
  startup: option({
    flag: '--startup <duration>',
    parse: parseDurationMs,
    otherwise: 'as the tables say',
    help: 'start of an instance to its first answer',
  }),
  noise: option({
    flag: '--noise <cv>',
    parse: parseNoise,
    default: '0',
    help: 'how much batches vary beyond what the tables say, as a coefficient of variation',
  }),
  mttf: option({
    flag: '--mttf <duration>',
    parse: parseDurationMs,
    otherwise: 'none fails',
    help: 'mean time after which an instance crashes',
  }),
  seed: option({
    flag: '--seed <integer>',
    parse: wholeNumber(0),
    default: '1',
    help: 'the same seed gives the same result',
  }),
  ...CALL_OPTIONS,
  json: optionalValue({
    flag: '--json [file]',
    parse: file,
    group: REPORT,
    help: 'write the report as JSON to a file, or to standard output in place of the text',
  }),
  requests: option({
    flag: '--requests <file>',
    parse: file,
    group: REPORT,
    help: 'write what became of every request as CSV: arrival, start, end, instance, batch, cold',
  }),
  html: option({
    flag: '--html <file>',
    parse: file,
    group: REPORT,
    help: 'write the report as a page with charts',
  }),
};

type PlanValues = Values<typeof PLAN_OPTIONS>;

/** `infless-autoscaler plan`: what would happen on a cluster under a load, without either. */
export const planCommand = defineProgram({
  name: 'plan',
  summary:
    'Simulate functions on a cluster under a load: is the SLO kept, with which resources, at what cost?',
  options: PLAN_OPTIONS,
  notes: `
A load is VALUE for all functions or NAME=VALUE for one:
  --rate 50 --trace mobilenet=rates.txt --azure resnet=invocations.csv#3fa2

Exit codes: 0 the SLO is kept by policy default, 1 it is not, 2 bad input, 130 interrupted.`,
  run: plan,
});

async function plan(options: PlanValues): Promise<void> {
  const { whatIf } = await import('../what-if.ts');
  const request = await planRequest(options);
  const interrupt = onInterrupt();
  const progress = new ProgressLine(process.stderr, systemClock);
  const requests = options.requests === undefined ? undefined : await openRequestCsv(options.requests);
  try {
    const report = await whatIf({
      ...request,
      ...(requests === undefined ? {} : { onRequest: requests.add }),
      signal: interrupt.signal,
      onProgress: ({ policy, done, atMs, endMs }) =>
        progress.update(
          done,
          () =>
            `${policy}: ${formatDuration(atMs)} of ${formatDuration(endMs)}; ${Math.floor(done * 100)} % of all`,
        ),
    });
    progress.clear();
    await requests?.close();
    await write(report, options);
    if (report.interrupted) process.exitCode = EXIT_INTERRUPTED;
    else if (!report.verdict.met) process.exitCode = 1;
  } finally {
    progress.clear();
    interrupt.release();
  }
}

/** What the options ask for, read from the files that they name. */
export async function planRequest(options: PlanValues): Promise<WhatIfRequest> {
  const arrivalProcess = parseProcess(options.arrivals, options.cv);
  const startupMs = options.startup;
  const [{ readCluster }, { readPlannedFunctions }] = await Promise.all([
    import('../inputs/cluster-file.ts'),
    import('../inputs/functions.ts'),
  ]);
  const described = await readCluster(options.cluster);
  const cluster = startupMs === undefined ? described : { ...described, startupMs };
  const functions = await readPlannedFunctions(options.functions, {
    ...(cluster.startupMs === undefined ? {} : { startupMs: cluster.startupMs }),
    executionNoiseCv: options.noise,
  });
  requireSelectable(cluster, functions);
  for (const policy of options.policies) if ('file' in policy) await requireFile(policy.file);
  const names = functions.map(({ spec }) => spec.name);
  return {
    functions,
    cluster,
    loads: await readLoads(names, options),
    process: arrivalProcess,
    policies: options.policies,
    warmUpMs: options.warmUp,
    seed: options.seed,
    executionNoiseCv: options.noise,
    ...(options.mttf === undefined ? {} : { meanTimeToFailureMs: options.mttf }),
  };
}

async function requireFile(path: string): Promise<void> {
  try {
    await access(path);
  } catch {
    throw new InflessError('INVALID_INPUT', `Policy file ${path} does not exist`, {
      remedy: 'Check the path.',
    });
  }
}

async function write(report: WhatIfReport, { json, html }: PlanValues): Promise<void> {
  const text = `${JSON.stringify(report)}\n`;
  const { renderText } = await import('../report/text-report.ts');
  process.stdout.write(json === true ? text : renderText(report));
  if (typeof json === 'string') await writeFileSafely(json, text);
  if (html === undefined) return;
  const { renderPage } = await import('../page/page.ts');
  await writeFileSafely(html, await renderPage(report));
}
