import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { InflessError } from '../../models/base/errors.ts';
import { programFile } from '../../models/base/package.ts';
import type { LoadReport } from '../../profiler/load/report.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { ServiceTimes } from '../latency/service-times.ts';
import type { QuickstartFunction } from './tour-functions.ts';

/**
 * The rate at which a function's requests take its share of the machine's CPU, from its table: what a request
 * costs under the largest quota, engine and JSON.
 */
export function peakRate(table: ProfileTable, tour: QuickstartFunction): number {
  const single = table.cells
    .filter((cell) => cell.batch === 1)
    .reduce((a, b) => (b.cpuMillicores > a.cpuMillicores ? b : a));
  const view = new ServiceTimes(table).view;
  const codec = view.codecMs(single);
  const cpuMsPerRequest = single.cpuMs + codec.decode + codec.encode + view.transferMs(single);
  return (tour.peakCpuShare * table.host.cpuCores * 1000) / cpuMsPerRequest;
}

/** `infless-load --ramp` of a function's course: `4.2@0s,21@12s,…`. */
export function rampOf(tour: QuickstartFunction, peakPerSecond: number, durationMs: number): string {
  return tour.course
    .map(([at, share]) => `${(peakPerSecond * share).toFixed(2)}@${Math.round(at * durationMs)}ms`)
    .join(',');
}

export interface LoadRun {
  readonly url: string;
  readonly ramp: string;
  readonly sloMs: number;
  readonly seed: number;
  readonly reportFile: string;
}

/** Runs `infless-load` as a process of its own, so that sending does not wait for the gateway's turns. */
export async function replay(run: LoadRun, signal: AbortSignal): Promise<LoadReport> {
  const child = spawn(
    process.execPath,
    [
      programFile('profiler/load/bin'),
      run.url,
      '--ramp',
      run.ramp,
      '--slo',
      `${run.sloMs}ms`,
      '--seed',
      String(run.seed),
      '--json',
      run.reportFile,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const abort = (): void => void child.kill('SIGINT');
  signal.addEventListener('abort', abort, { once: true });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString('utf8')).slice(-2000);
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
  if (exitCode === 0 || exitCode === 1)
    return JSON.parse(await readFile(run.reportFile, 'utf8')) as LoadReport;
  throw new InflessError('PLATFORM_FAILED', `The load on ${run.url} broke off: ${lastLine(complaints)}`);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? 'no reason given';
}
