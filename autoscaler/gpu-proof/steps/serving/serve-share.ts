import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileSafely } from '../../../../models/base/files.ts';
import type { LoadReport } from '../../../../profiler/load/report.ts';
import { saveTable } from '../../../../profiles/store.ts';
import type { FunctionStatus } from '../../../gateway/admin/function-status.ts';
import { firstCard } from '../../card/absence.ts';
import { OwnProgram } from '../../program-run.ts';
import type { Step, StepContext } from '../../step.ts';
import { tableOfSweep } from '../../table-of-step.ts';
import { judge, type Kept, type Promised, promiseOf, type Service, serviceOn } from './promise.ts';

const NAME = 'proof';
const POOLS = [1, 2];
const READY_MS = 25_000;
/** After which what is not even starting will not. */
const STARTING_MS = 8000;
/** Before what is measured: connections are made, and code is compiled. */
const WARM_UP_SECONDS = 2;
const WARM_UP_SHARE = 0.25;

/**
 * Step h: a function that may only run on a share of the card, by one instance and by two, each loaded with a
 * part of what its table promises.
 */
export const serveShare: Step = async (context) => {
  const card = await firstCard(context.doing);
  if ('verdict' in card) return card.verdict;
  const found = await tableOfSweep(context);
  if ('verdict' in found) return found.verdict;
  const service = serviceOn(found.table);
  if (service === undefined) {
    return { outcome: 'failed', sentence: 'No cell of the table is a single row on a share of the card.' };
  }
  const served: Kept[] = [];
  let lack = '';
  for (const instances of POOLS.filter((count) => count * service.gpuPercent <= 100)) {
    const result = await serve(service, instances, context);
    if ('failure' in result) return { outcome: 'failed', sentence: result.failure };
    if ('sentence' in result) served.push(result);
    else if (result.started > 0) lack = `; of ${instances} instances ${result.started} got started`;
    else
      return {
        outcome: 'failed',
        sentence: 'No instance with a share of the card was even started: there is no room for it here.',
      };
  }
  const sentences = served.map(({ sentence }) => sentence).join('; ');
  return {
    outcome: served.every(({ isKept }) => isKept) ? 'passed' : 'failed',
    sentence: `SLO ${service.sloMs} ms, JSON included: ${sentences}${lack}.`,
  };
};

/** Something went wrong, or fewer instances were even started, as where there is no room for more. */
type NotServed = { readonly failure: string } | { readonly started: number };

async function serve(service: Service, instances: number, context: StepContext): Promise<Kept | NotServed> {
  const { doing, record, work } = context;
  const file = await declare(service, instances, context);
  const autoscaler = new OwnProgram('autoscaler/bin', [
    ...['--functions', file, '--port', '0'],
    ...['--state-dir', join(work, `state-${instances}`)],
  ]);
  const figures: Record<string, unknown> = {};
  const keep = (more: Readonly<Record<string, unknown>>): void =>
    record({ [`instances: ${instances}`]: Object.assign(figures, more) });
  try {
    doing('starting infless-autoscaler');
    const url = await urlOf(autoscaler);
    const ready = await untilReady(url, instances, autoscaler, doing);
    if (!('status' in ready)) return ready;
    const promised = promiseOf(
      service,
      ready.status.instances.map(({ config }) => config),
    );
    keep({ promised });
    await gpuMetrics(url); // from the first time that somebody asks on, the card is listened to
    await load(url, promised, WARM_UP_SHARE * promised.ratePerSecond, WARM_UP_SECONDS, context);
    const seconds = context.size.loadTimeMs / 1000;
    const report = await load(url, promised, promised.ratePerSecond, seconds, context);
    const gpus = await gpuMetrics(url);
    const after = await statusOf(url);
    const kept = judge(promised, report);
    keep({ report, late: kept.late, gpus, after });
    const configs = after.instances.map(({ configText }) => configText);
    if (String(configs) === String(promised.configs)) return kept;
    return { failure: `${kept.sentence}; but then there were ${configs.join(' + ') || 'no instances'}.` };
  } finally {
    keep({ log: autoscaler.stderr.slice(-4000) });
    autoscaler.interrupt();
    await Promise.race([autoscaler.exited(), sleep(8000)]);
  }
}

async function declare(service: Service, instances: number, { work, size }: StepContext): Promise<string> {
  const profile = await saveTable(service.table, join(work, 'share.json'));
  const file = join(work, `functions-${instances}.json`);
  const declaration = {
    name: NAME,
    model: size.model,
    slo: `${service.sloMs}ms`,
    profile,
    scale: { min: instances, max: instances },
  };
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

async function statusOf(url: string): Promise<FunctionStatus> {
  const response = await fetch(`${url}/api/functions/${NAME}`);
  return (await response.json()) as FunctionStatus;
}

/** What the gateway's metrics tell of GPUs. */
async function gpuMetrics(url: string): Promise<readonly string[]> {
  const response = await fetch(`${url}/metrics`);
  return (await response.text()).split('\n').filter((line) => line.startsWith('infless_gpu_'));
}

/** Until all instances are. */
async function untilReady(
  url: string,
  wanted: number,
  autoscaler: OwnProgram,
  doing: (what: string) => void,
): Promise<{ readonly status: FunctionStatus } | NotServed> {
  let status = await statusOf(url);
  for (const begin = performance.now(); performance.now() - begin < READY_MS; ) {
    const { phase, reason, instances } = status;
    if (instances.filter((instance) => instance.phase === 'ready').length === wanted) return { status };
    if (autoscaler.exitCode !== undefined) break;
    doing(`waiting for instances: ${phase}${reason === undefined ? '' : ` (${reason})`}`);
    if (phase === 'failing' && performance.now() - begin > READY_MS / 2) break;
    if (instances.length < wanted && phase !== 'failing' && performance.now() - begin > STARTING_MS)
      return { started: instances.length };
    await sleep(200);
    status = await statusOf(url);
  }
  const { phase, reason, warnings } = status;
  const why = reason ?? warnings.at(-1) ?? `the function is "${phase}"`;
  return { failure: `Of ${wanted} instances with a share of the card not all got ready: ${why}` };
}

async function load(
  url: string,
  { sloMs }: Promised,
  ratePerSecond: number,
  seconds: number,
  { doing, work }: StepContext,
): Promise<LoadReport> {
  const file = join(work, 'load.json');
  const generator = new OwnProgram(
    'profiler/load/bin',
    [
      `${url}/function/${NAME}`,
      ...['--rate', ratePerSecond.toFixed(2), '--duration', `${seconds}s`],
      ...['--slo', `${sloMs}ms`, '--json', file],
    ],
    (line) => doing(`infless-load: ${line.slice(0, 160)}`),
  );
  const code = await generator.exited();
  if (code === 0 || code === 1) return JSON.parse(await readFile(file, 'utf8')) as LoadReport;
  throw new Error(`infless-load ended with code ${code}: ${generator.lastLine}`);
}
