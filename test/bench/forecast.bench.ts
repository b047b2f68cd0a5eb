/**
 * What the tables predict against what clients see: each function is profiled, served by the autoscaler as it
 * sees fit, and loaded with Poisson arrivals until its instances have settled; then the forecast for these
 * instances stands beside what infless-load measures.
 *
 *     npx vitest bench --run test/bench/forecast.bench.ts
 *
 * Some five minutes; every program is a process of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { bench, describe } from 'vitest';
import type { FunctionStatus } from '../../autoscaler/gateway/admin/function-status.ts';
import { programFile } from '../../models/base/package.ts';
import { formatDuration } from '../../models/base/units.ts';
import type { LoadReport } from '../../profiler/load/report.ts';
import { AutoscalerProcess } from '../support/autoscaler-process.ts';

const CASES = [
  { model: 'mobilenet', sloMs: 500, rates: [4, 12] },
  { model: 'lstm-maxclass-2365', sloMs: 250, rates: [15, 45] },
  { model: 'textcnn-69', sloMs: 60, rates: [30, 120] },
];
const SETTLE_SECONDS = 15;
const MEASURE_SECONDS = 25;

const folder = await mkdtemp(join(tmpdir(), 'infless-forecast-'));
process.env.INFLESS_CACHE_DIR = join(folder, 'cache');

describe('forecast', () => {
  bench('p99 predicted and measured', compare, {
    iterations: 1,
    time: 0,
    warmupIterations: 0,
    warmupTime: 0,
    throws: true,
  });
});

async function compare(): Promise<void> {
  const table = new Table({
    head: [
      'function',
      'SLO',
      'rate',
      'instances',
      'p50 predicted',
      'p50',
      'p99 predicted',
      'p99',
      'violations',
    ],
    style: { head: [], border: [] },
  });
  for (const { model } of CASES)
    await run('profiler/bin', model, '--batches', '1,2,4,8', '--cpus', '0.5,1,1.5');
  for (const { model, sloMs, rates } of CASES) {
    for (const rate of rates) {
      const { status, load } = await serve(model, sloMs, rate);
      const { forecast } = status;
      table.push([
        model,
        formatDuration(sloMs),
        `${rate}/s`,
        status.instances.map(({ configText }) => configText).join(' + '),
        ...[forecast?.p50Ms, load.latencyMs?.p50, forecast?.p99Ms, load.latencyMs?.p99].map((ms) =>
          ms === undefined ? '–' : formatDuration(ms),
        ),
        `${((load.slo?.violationShare ?? 1) * 100).toFixed(2)} %`,
      ]);
    }
  }
  await rm(folder, { recursive: true, force: true });
  console.log(table.toString());
}

async function serve(
  model: string,
  sloMs: number,
  rate: number,
): Promise<{ status: FunctionStatus; load: LoadReport }> {
  const state = await mkdtemp(join(folder, 'state-'));
  const autoscaler = new AutoscalerProcess('--port', '0', '--state-dir', state, '--log-level', 'info');
  try {
    await autoscaler.declare({ name: model, model, slo: `${sloMs}ms` });
    await autoscaler.ready(model);
    const url = `${await autoscaler.url()}/function/${model}`;
    const report = join(state, 'report.json');
    const load = (seconds: number, seed: number): Promise<void> =>
      run(
        'profiler/load/bin',
        url,
        '--rate',
        `${rate}`,
        '--duration',
        `${seconds}s`,
        '--seed',
        `${seed}`,
        '--slo',
        `${sloMs}ms`,
        '--json',
        report,
      );
    await load(SETTLE_SECONDS, 1);
    await load(MEASURE_SECONDS, 2);
    const response = await fetch(`${await autoscaler.url()}/api/functions/${model}?rate=${rate}`);
    const status = (await response.json()) as FunctionStatus;
    return { status, load: JSON.parse(await readFile(report, 'utf8')) as LoadReport };
  } finally {
    autoscaler.child.kill('SIGINT');
    await autoscaler.exited();
  }
}

/** Runs one of our programs to its end; a missed SLO is a result, not a failure. */
async function run(program: string, ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, [programFile(program), ...args], { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0 && code !== 1) throw new Error(`${program} ${args.join(' ')} exited with ${code}`);
}
