import { formatCores } from '../../../models/base/units.ts';
import { type Threading, threadRule } from '../../../models/engines/engine.ts';
import { engineFor } from '../../../models/engines/index.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { type Config, formatConfig } from '../../../profiles/config.ts';
import { threadingOf } from '../../../profiles/lookup.ts';
import type { Cell, ThreadChoice } from '../../../profiles/table.ts';
import type { MeasuredCell } from '../../cell/verdicts.ts';
import type { CellRunner, CheckedCell } from '../cell-runner.ts';
import type { Grid } from '../grid.ts';
import type { Journal } from '../journal.ts';
import { candidatesFor, quotasToTry, winnerOf } from './thread-choices.ts';

interface Setup {
  readonly manifest: ModelManifest;
  readonly grid: Grid;
  readonly journal: Journal;
  /** Within the time that trials may take. */
  readonly runner: CellRunner;
}

/** Who hears of trials. */
export interface TrialListener {
  note(text: string): void;
  step(text: string): void;
  /** A trial that won is a cell of the sweep. */
  measured(won: CheckedCell): void;
}

/**
 * Tries threads where the quotas of a grid leave a choice, with the batch in the middle of the grid, unless
 * the journal knows already. The winners are cells of the sweep. Some engines choose their threads
 * themselves. Quotas that there is no time for run with the engine's own rule.
 */
export async function chooseThreads(
  { manifest, grid, journal, runner }: Setup,
  listener: TrialListener,
): Promise<readonly ThreadChoice[]> {
  if (!engineFor(manifest.format).takesThreading || !grid.gpuPercents.includes(0)) return [];
  if (journal.threading !== undefined) return journal.threading;
  const batch = grid.batches[Math.floor(grid.batches.length / 2)]!;
  const cells = new Map<string, CheckedCell>();
  const choices = await tryThreads(grid.cpuMillicores, async (cpuMillicores, threading) => {
    const config = { batch, cpuMillicores, gpuPercent: 0 };
    listener.step(`Trying ${describe(threading)} with ${formatConfig(config)}`);
    const result = await runner.measure(config, threading);
    if (result === undefined || 'failure' in result) return undefined;
    cells.set(keyOf(cpuMillicores, threading), result);
    return result;
  });
  for (const choice of choices) {
    const won = cells.get(keyOf(choice.cpuMillicores, choice))!;
    await journal.append(won.cell);
    listener.measured(won);
    if (isUsual(choice)) continue;
    listener.note(
      `Under ${formatCores(choice.cpuMillicores)} cores, ${describe(choice)} did best and will be used.`,
    );
  }
  await journal.appendThreading(choices);
  return choices;
}

/** What a config is opened with: undefined leaves it to the engine. */
export function chosenThreading(
  { cpuMillicores, gpuPercent }: Config,
  choices: readonly ThreadChoice[],
): Threading | undefined {
  return gpuPercent > 0 || choices.length === 0 ? undefined : threadingOf(cpuMillicores, choices);
}

/**
 * What a config that was not measured would run with; an engine that makes no use of more threads has shown
 * so by now.
 */
export function expectedThreading(
  config: Config,
  choices: readonly ThreadChoice[],
  measured: readonly Cell[],
): Threading {
  const chosen = chosenThreading(config, choices);
  if (chosen !== undefined) return chosen;
  const usual = threadRule(config.cpuMillicores);
  const most = Math.max(...measured.map(({ threads }) => threads));
  return { threads: Math.min(usual.threads, most), spinning: false };
}

function keyOf(cpuMillicores: number, { threads, spinning }: Threading): string {
  return `${cpuMillicores}/${threads}/${spinning}`;
}

function isUsual({ cpuMillicores, threads, spinning }: ThreadChoice): boolean {
  const usual = threadRule(cpuMillicores);
  return usual.threads === threads && usual.spinning === spinning;
}

function describe({ threads, spinning }: Threading): string {
  return `${threads === 1 ? 'one thread' : `${threads} threads`}${spinning ? ' that spin' : ''}`;
}

/** Measures one threading under a quota; undefined where it cannot run. */
export type Trial = (cpuMillicores: number, threading: Threading) => Promise<MeasuredCell | undefined>;

/**
 * Tries threads under the quotas where there is a choice, all with the same batch.
 *
 * @returns the winner of each quota, and what the trials were; quotas whose default cannot run are left out
 */
export async function tryThreads(cpuMillicores: readonly number[], trial: Trial): Promise<ThreadChoice[]> {
  const choices: ThreadChoice[] = [];
  for (const quota of quotasToTry(cpuMillicores)) {
    const trials: ThreadChoice['trials'] = [];
    for (const threading of candidatesFor(quota)) {
      const evidence = await trial(quota, threading);
      if (evidence === undefined) break;
      const { batch, latencyMs, cpuMs } = evidence.cell;
      trials.push({ ...threading, batch, meanMs: latencyMs.mean, cpuMs });
    }
    if (trials.length > 0) choices.push({ cpuMillicores: quota, ...winnerOf(trials), trials });
  }
  return choices;
}
