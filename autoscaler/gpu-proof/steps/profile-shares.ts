import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, formatDuration } from '../../../models/base/units.ts';
import { availableCpuMillicores } from '../../../profiler/quota/cpu-limit.ts';
import { formatConfig } from '../../../profiles/config.ts';
import { readTable } from '../../../profiles/store.ts';
import type { Cell, ProfileTable } from '../../../profiles/table.ts';
import { firstCard } from '../card/absence.ts';
import { OwnProgram } from '../program-run.ts';
import type { Step, StepContext, Verdict } from '../step.ts';
import { TABLE_FILE } from '../table-of-step.ts';

const LEFT_OUT = 'left out';
/** How it says that shares cannot be had, before or after the first cell. */
const UNSHARED = /MPS/;
const WHOLE = [0, 100];
const NOTES = /^note: |left out/;

/** Step f: the table of a model in shares of the card, as anybody would make it. */
export const profileShares: Step = async (context) => {
  const { size } = context;
  const card = await firstCard(context.doing);
  if ('verdict' in card) return card.verdict;
  const first = await sweep(context, size.gpuPercents);
  if (first.unshared === undefined && first.code === 0) {
    return verdictOn(await kept(context, first), size.gpuPercents, first.leftOut);
  }
  const reason = first.unshared ?? `infless-profile ended with code ${first.code}: ${first.lastLine}`;
  if (first.unshared === undefined) return { outcome: 'failed', sentence: reason };
  // Where the card cannot be shared, what the whole of it does is still worth knowing.
  const whole = await sweep(context, WHOLE);
  if (whole.code !== 0) return { outcome: 'failed', sentence: reason };
  const { sentence } = verdictOn(await kept(context, whole), WHOLE, whole.leftOut);
  return { outcome: 'failed', sentence: `${reason} Without shares: ${sentence}` };
};

interface Swept {
  readonly code: number | null;
  readonly lastLine: string;
  readonly file: string;
  /** Cells that did not run, each with its reason. */
  readonly leftOut: readonly string[];
  /** Why the card cannot be shared here; the sweep was ended there. */
  readonly unshared: string | undefined;
}

async function sweep({ doing, record, out, size }: StepContext, percents: readonly number[]): Promise<Swept> {
  const file = join(out, TABLE_FILE);
  await rm(file, { force: true }); // an earlier one would be taken for this one's
  const isShared = percents.some((percent) => percent > 0 && percent < 100);
  const notes: string[] = [];
  let unshared: string | undefined;
  const args = [
    size.model,
    ...['--gpu', percents.join(',')],
    ...['--batches', size.batches.join(',')],
    ...['--cpus', (await cpusHere(size.cpus)).join(',')],
    ...['--cell-time', `${size.cellTimeMs}ms`, '--max-time', `${size.sweepTimeMs}ms`],
    ...['-o', file],
  ];
  record({ command: `infless-profile ${args.join(' ')}` });
  const profile = new OwnProgram('profiler/bin', args, (line) => {
    if (isShared && UNSHARED.test(line)) {
      unshared ??= line.slice(0, 400);
      profile.interrupt();
    }
    if (NOTES.test(line)) {
      notes.push(line.slice(0, 400));
      record({ notes });
    }
    doing(`infless-profile: ${line.slice(0, 200)}`);
  });
  const code = await profile.exited();
  record({ exitCode: code, summary: profile.stdout });
  const leftOut = notes.filter((line) => line.includes(LEFT_OUT));
  return { code, lastLine: profile.lastLine, file, leftOut, unshared };
}

/** Of these quotas those that can be had here; all that there is where none can. */
async function cpusHere(cpus: readonly number[]): Promise<readonly number[]> {
  const available = (await availableCpuMillicores()) / 1000;
  const possible = cpus.filter((cores) => cores <= available);
  return possible.length === 0 ? [available] : possible;
}

async function kept({ record }: StepContext, { file }: Swept): Promise<ProfileTable> {
  const table = await readTable(file);
  record({ cells: table.cells.map(factsOf), prediction: table.prediction ?? null, quota: table.quota });
  return table;
}

function factsOf(cell: Cell) {
  const { latencyMs, gpu, samples, loadMs, firstAnswerMs, verdicts, predicted } = cell;
  return {
    config: formatConfig(cell),
    meanMs: latencyMs.mean,
    p99Ms: latencyMs.p99,
    perSecond: cell.throughputPerSecond,
    samples,
    loadMs,
    firstAnswerMs,
    ...(gpu === undefined ? {} : { gpu }),
    ...(verdicts === undefined ? {} : { verdicts }),
    ...(predicted === undefined ? {} : { predicted }),
  };
}

function verdictOn(table: ProfileTable, percents: readonly number[], leftOut: readonly string[]): Verdict {
  const shares = new Set(table.cells.map(({ gpuPercent }) => gpuPercent));
  const missing = percents.filter((percent) => !shares.has(percent));
  const measured = table.cells.filter(({ predicted }) => predicted !== true);
  const memory = measured.map(({ gpu }) => gpu?.memoryBytes).filter((bytes) => bytes !== undefined);
  const heldOut = table.prediction?.heldOut ?? null;
  const fastest = [...measured]
    .filter(({ gpuPercent }) => gpuPercent > 0)
    .sort((a, b) => b.throughputPerSecond - a.throughputPerSecond)[0];
  const parts = [
    `${measured.length} of ${table.cells.length} cells measured (${table.quota.gpuSharing ?? 'no share'})`,
    ...(fastest === undefined
      ? []
      : [
          `most with ${formatConfig(fastest)}: ${fastest.throughputPerSecond.toFixed(0)} rows/s, ${formatDuration(fastest.latencyMs.mean)} a batch`,
        ]),
    memory.length === 0
      ? 'memory on the card not told'
      : `memory on the card ${formatBytes(Math.min(...memory))} to ${formatBytes(Math.max(...memory))} a cell`,
    heldOut === null
      ? 'no cells held out'
      : `held-out cells off by ${percent(heldOut.median)} in the median, ${percent(heldOut.p90)} at p90`,
    ...(missing.length === 0 ? [] : [`no cell at ${missing.join(' %, ')} %`]),
    ...(leftOut.length === 0 ? [] : [`${leftOut.length} could not be run: ${leftOut[0]!}`]),
  ];
  return {
    outcome: missing.length === 0 && leftOut.length === 0 ? 'passed' : 'failed',
    sentence: `${parts.join('; ')}.`,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
