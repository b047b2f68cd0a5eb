import { InflessError } from '../../models/base/errors.ts';
import type { Threading } from '../../models/engines/engine.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import { percentileMs, type Slo } from '../../profiles/best-config.ts';
import { type Config, compareConfigs, configKey, formatConfig } from '../../profiles/config.ts';
import type { Cell } from '../../profiles/table.ts';
import { hasDrifted } from '../cell/verdicts.ts';
import { type Measuring, withVerdicts } from './cell-runner.ts';
import { isSpinning, nonMonotone } from './contradictions.ts';
import type { Journal } from './journal.ts';
import { type ProfileListener, remainingMs, type SweepState, type TimeLimit } from './progress.ts';
import type { Strategy } from './sampling/strategy.ts';
import { correctForSpeed } from './speed-correction.ts';

/** Times that cells which contradict each other, or what the host was else, are measured again. */
const MOST_REPETITIONS = 2;

export interface SweepPlan {
  readonly manifest: ModelManifest;
  /** Whatever may be measured; the first is the easiest. */
  readonly configs: readonly Config[];
  readonly strategy: Strategy;
  /** Undefined leaves it to the engine. */
  readonly threadingOf: (config: Config) => Threading | undefined;
  readonly runner: Measuring;
  readonly journal: Journal;
  readonly cellTimeMs: number;
  /** At which a mean counts as known. */
  readonly relativeError: number;
  /** No cell is begun that would probably not be done by then, and none goes on beyond it but the first. */
  readonly limit: TimeLimit;
  /** Whether a config is not worth measuring, by what was measured so far. */
  readonly isPointless?: (config: Config, measured: readonly Cell[]) => boolean;
}

/** What a sweep has found out. */
export interface Swept {
  /** Each measured one, in the order of a table. */
  readonly cells: readonly Cell[];
  /** Neither measured nor known not to run. */
  readonly open: readonly Config[];
}

/**
 * Measures what the strategy asks for, one cell after the other: two at a time would measure each other. What
 * the journal holds is not measured again. A config that cannot run is told to the listener and left out,
 * with all larger batches.
 *
 * @throws InflessError INFERENCE_FAILED when the easiest config cannot run: then none could serve, since
 * every instance must also answer a single row. The signal's reason when it was aborted.
 */
export async function sweep(plan: SweepPlan, listener: ProfileListener): Promise<Swept> {
  const cells = new Map(plan.journal.cells.map((cell) => [configKey(cell), cell]));
  const comparable = (): readonly Cell[] => correctForSpeed([...cells.values()], plan.relativeError);
  const finishedMs: number[] = [];
  let open = plan.configs.filter((config) => !cells.has(configKey(config)));
  let failed = 0;
  const state = (): SweepState => {
    const done = cells.size + failed;
    const total = Math.max(done, plan.strategy.mostCells);
    return { done, total, remainingMs: remainingMs(finishedMs, total - done, plan.cellTimeMs) };
  };
  const hasTime = (): boolean => {
    const nextMs = remainingMs(finishedMs, 1, plan.cellTimeMs);
    return cells.size === 0 || nextMs <= plan.limit.leftMs;
  };

  const left: Config[] = [];
  const leaveOut = (known: readonly Cell[]): void => {
    left.push(...open.filter((config) => plan.isPointless?.(config, known)));
    open = open.filter((config) => !left.includes(config));
  };

  while (hasTime()) {
    const known = comparable();
    if (known.length > 0) leaveOut(known);
    const config = plan.strategy.next(known, open);
    if (config === undefined) break;
    listener({ type: 'cell-started', config, ...state() });
    const startedMs = performance.now();
    // one there must be
    const runner = plan.runner.within(plan.limit, cells.size === 0 ? 'finished' : 'limited');
    const result = await runner.measure(config, plan.threadingOf(config));
    if (result === undefined) break;
    finishedMs.push(performance.now() - startedMs);
    open = open.filter((other) => other !== config);
    if ('failure' in result) {
      if (config === plan.configs[0]) throw cannotRun(plan.manifest, config, result.failure);
      failed += 1;
      open = open.filter((other) => !isHarder(other, config));
      listener({ type: 'cell-failed', config, reason: result.failure.sentence, ...state() });
      continue;
    }
    await plan.journal.append(result.cell);
    cells.set(configKey(config), result.cell);
    listener({ type: 'cell-measured', ...result, ...state() });
  }
  for (let repetition = 0; repetition < MOST_REPETITIONS; repetition += 1) {
    for (const cell of doubtful(comparable())) {
      if (!hasTime()) break;
      const runner = plan.runner.within(plan.limit);
      const result = await runner.measure(cell, { threads: cell.threads, spinning: cell.spinning });
      if (result === undefined || 'failure' in result) continue;
      await plan.journal.append(result.cell);
      cells.set(configKey(cell), result.cell);
    }
  }
  return { cells: marked(comparable()).toSorted(compareConfigs), open: [...open, ...left] };
}

/** What contradicts physics, or was measured while the host was not itself. */
function doubtful(cells: readonly Cell[]): readonly Cell[] {
  return [...new Set([...nonMonotone(cells), ...cells.filter(hasDrifted)])];
}

function marked(cells: readonly Cell[]): readonly Cell[] {
  const contradicting = new Set(nonMonotone(cells));
  return cells.map((cell) =>
    withVerdicts(cell, [
      ...(contradicting.has(cell) ? (['non-monotone'] as const) : []),
      ...(hasDrifted(cell) ? (['drifting'] as const) : []),
      ...(isSpinning(cell, cells) ? (['spinning'] as const) : []),
    ]),
  );
}

/** What batching makes of the CPU time of a row at best, so that a bound by it is surely one. */
const BEST_SHARE_OF_ROW = 0.25;

/**
 * Whether a config's batch alone, not counting that requests wait for it, surely takes longer than the SLO: a
 * measured batch that is no harder does, or as much CPU time as it takes in any case.
 */
export function missesSlo(config: Config, measured: readonly Cell[], { sloMs, percentile }: Slo): boolean {
  return measured.some((cell) => {
    if (isHarder(config, cell) && percentileMs(cell, percentile) > sloMs) return true;
    if (cell.gpuPercent > 0 || config.gpuPercent > 0) return false;
    const leastCpuMs = (BEST_SHARE_OF_ROW * config.batch * cell.cpuMs) / cell.batch;
    return config.batch >= cell.batch && leastCpuMs / (config.cpuMillicores / 1000) > sloMs;
  });
}

/** As many rows or more with no more of anything: what could not run will not with less. */
function isHarder(config: Config, failed: Config): boolean {
  return (
    config.batch >= failed.batch &&
    config.cpuMillicores <= failed.cpuMillicores &&
    config.gpuPercent > 0 === failed.gpuPercent > 0 &&
    config.gpuPercent <= failed.gpuPercent
  );
}

function cannotRun({ name }: ModelManifest, config: Config, cause: InflessError): InflessError {
  return new InflessError(
    'INFERENCE_FAILED',
    `Model ${name} does not even run as ${formatConfig(config)}: ${cause.message}`,
    { cause, ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }) },
  );
}
