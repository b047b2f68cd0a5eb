import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileSafely } from '../../../models/base/files.ts';
import { formatDuration } from '../../../models/base/units.ts';
import type { LoadReport } from '../../../profiler/load/report.ts';
import { formatConfig } from '../../../profiles/config.ts';
import { saveTable } from '../../../profiles/store.ts';
import type { ProfileTable } from '../../../profiles/table.ts';
import type { FunctionStatus } from '../../gateway/admin/function-status.ts';
import { ServiceTimes } from '../../latency/service-times.ts';
import { percentileRateModel } from '../../planning/capacity/percentile-rates.ts';
import { setsByPrice } from '../../planning/explain/uniform-sets.ts';
import { firstCard } from '../card/absence.ts';
import { OwnProgram } from '../program-run.ts';
import type { Step, StepContext, Verdict } from '../step.ts';
import { tableOfSweep } from '../table-of-step.ts';

const NAME = 'proof';
const PERCENTILE = 99;
/** The SLO is so many times the tail of the middle batch: room to wait for company, none to dawdle. */
const SLO_TAILS = 4;
/** Of what one instance is said to carry. */
const LOAD_SHARE = 0.8;
/** What one generator and one gateway move of images as JSON without being what is measured. */
const MOST_PER_SECOND = 60;
const READY_MS = 25_000;

/** Step h: a function that may only run on a share of the card, loaded with what its table promises. */
export const serveShare: Step = async (context) => {
  const { doing, record } = context;
  const card = await firstCard(doing);
  if ('verdict' in card) return card.verdict;
  const found = await tableOfSweep(context);
  if ('verdict' in found) return found.verdict;
  const promise = promiseOf(found.table);
  record({ promise });
  const functions = await declare(found.table, promise.sloMs, context);
  const autoscaler = new OwnProgram('autoscaler/bin', [
    ...['--functions', functions, '--port', '0'],
    ...['--state-dir', join(context.work, 'state-h')],
  ]);
  try {
    doing('starting infless-autoscaler');
    const url = await urlOf(autoscaler);
    const ready = await untilReady(url, autoscaler, doing);
    if ('verdict' in ready) return ready.verdict;
    record({ status: ready.status, forecast: await statusOf(url, promise.ratePerSecond) });
    const report = await load(url, promise, context);
    const after = await statusOf(url);
    record({ report: { ...report, seconds: undefined }, after });
    return verdictOn(report, after, promise);
  } finally {
    record({ log: autoscaler.stderr.slice(-4000) });
    autoscaler.interrupt();
    await Promise.race([autoscaler.exited(), sleep(8000)]);
  }
};

interface Promised {
  readonly sloMs: number;
  readonly ratePerSecond: number;
  readonly capacityPerSecond: number;
  readonly config: string;
}

/** What one instance of the cheapest config with a share is said to carry. */
function promiseOf(table: ProfileTable): Promised {
  const candidates = new ServiceTimes(onlyShares(table)).candidates({
    maxBatch: 1024,
    percentile: PERCENTILE,
  });
  const tails = candidates.map(({ tailMs }) => tailMs).sort((a, b) => a - b);
  const sloMs = Math.ceil(tails[Math.floor(tails.length / 2)]! * SLO_TAILS);
  const slo = { sloMs, percentile: PERCENTILE, arrivalCv: 1 };
  const cheapest = setsByPrice({
    candidates,
    slo,
    rates: percentileRateModel,
    ratePerSecond: 1,
    fewest: 1,
  })[0]!;
  const { capacityPerSecond, candidate } = cheapest;
  return {
    sloMs,
    capacityPerSecond,
    ratePerSecond: Math.min(MOST_PER_SECOND, LOAD_SHARE * capacityPerSecond),
    config: formatConfig(candidate.config),
  };
}

function onlyShares(table: ProfileTable): ProfileTable {
  return { ...table, cells: table.cells.filter(({ gpuPercent }) => gpuPercent > 0) };
}

async function declare(table: ProfileTable, sloMs: number, { work, size }: StepContext): Promise<string> {
  const profile = await saveTable(onlyShares(table), join(work, 'shares.json'));
  const file = join(work, 'functions.json');
  const declaration = { name: NAME, model: size.model, slo: `${sloMs}ms`, profile, scale: { min: 1 } };
  await writeFileSafely(file, JSON.stringify({ functions: [declaration] }));
  return file;
}

async function urlOf(autoscaler: OwnProgram): Promise<string> {
  for (;;) {
    const url = /"url":"([^"]+)"/.exec(autoscaler.stderr)?.[1];
    if (url !== undefined) return url;
    if (autoscaler.exitCode !== undefined)
      throw new Error(`infless-autoscaler ended: ${autoscaler.lastLine}`);
    await sleep(20);
  }
}

async function statusOf(url: string, ratePerSecond?: number): Promise<FunctionStatus> {
  const query = ratePerSecond === undefined ? '' : `?rate=${ratePerSecond}`;
  const response = await fetch(`${url}/api/functions/${NAME}${query}`);
  return (await response.json()) as FunctionStatus;
}

async function untilReady(
  url: string,
  autoscaler: OwnProgram,
  doing: (what: string) => void,
): Promise<{ readonly status: FunctionStatus } | { readonly verdict: Verdict }> {
  let status = await statusOf(url);
  for (const begin = performance.now(); performance.now() - begin < READY_MS; ) {
    if (status.phase === 'ready') return { status };
    if (autoscaler.exitCode !== undefined) break;
    const { phase, reason, instances } = status;
    doing(`waiting for an instance: ${phase}${reason === undefined ? '' : ` (${reason})`}`);
    if (phase === 'failing' && performance.now() - begin > READY_MS / 2) break;
    // Nothing is even started: there is no room for a share on this platform.
    if (instances.length === 0 && phase !== 'failing' && performance.now() - begin > 5000) break;
    await sleep(200);
    status = await statusOf(url);
  }
  const why =
    status.reason ??
    (status.warnings.at(-1) || `phase "${status.phase}", ${status.instances.length} instances`);
  return {
    verdict: {
      outcome: 'failed',
      sentence: `No instance with a share of the card got ready on the local platform: ${why}`,
    },
  };
}

async function load(url: string, promise: Promised, { doing, work, size }: StepContext): Promise<LoadReport> {
  const file = join(work, 'load.json');
  const seconds = size.loadTimeMs / 1000;
  const rate = promise.ratePerSecond.toFixed(2);
  const generator = new OwnProgram(
    'profiler/load/bin',
    [
      `${url}/function/${NAME}`,
      ...['--ramp', `1@0s,${rate}@${seconds / 4}s,${rate}@${seconds}s`],
      ...['--slo', `${promise.sloMs}ms`, '--json', file],
    ],
    (line) => doing(`infless-load: ${line.slice(0, 160)}`),
  );
  const code = await generator.exited();
  if (code === 0 || code === 1) return JSON.parse(await readFile(file, 'utf8')) as LoadReport;
  throw new Error(`infless-load ended with code ${code}: ${generator.lastLine}`);
}

function verdictOn(report: LoadReport, status: FunctionStatus, promise: Promised): Verdict {
  const configs = status.instances.map(({ configText }) => configText);
  const isOnCard = status.instances.every(({ config }) => config.gpuPercent > 0);
  const isKept = report.slo?.met === true;
  const p99 = report.latencyMs === null ? 'no answer' : `p99 ${formatDuration(report.latencyMs.p99)}`;
  const late = ((report.slo?.violationShare ?? 1) * 100).toFixed(2);
  return {
    outcome: isKept && isOnCard && report.keptUp ? 'passed' : 'failed',
    sentence:
      `${configs.join(' + ')} at ${promise.ratePerSecond.toFixed(0)}/s (one ${promise.config} is said to carry ` +
      `${promise.capacityPerSecond.toFixed(0)}/s): ${p99} of ${promise.sloMs} ms, ${late} % late${report.keptUp ? '' : ', the generator fell behind'}.`,
  };
}
