import { InflessError } from '../../models/base/errors.ts';
import { CPU_PROVIDER, type ProviderName } from '../../models/engines/provider.ts';
import type { RequestLike } from '../../models/manifest/example.ts';
import { type BatchingChoice, canBatch, type ModelManifest } from '../../models/manifest/manifest.ts';
import type { Slo } from '../../profiles/best-config.ts';
import type { QuotaMechanism } from '../../profiles/table.ts';
import type { CellSettings } from '../cell/measure-cell.ts';
import type { CpuFallback } from './check-accelerator.ts';
import { checkCpus, defaultGrid, type Grid } from './grid.ts';
import { fullStrategy, type SparseOptions, type Strategy, sparseStrategy } from './sampling/strategy.ts';

/** Why a model cannot run a batch. */
export function whyUnbatched({ batching }: ModelManifest): string {
  return batching?.reason ?? 'its batch axis is fixed or missing, or an output counts values';
}

function remedyFor({ batching }: ModelManifest): string {
  if (batching?.axes === undefined) return 'export the model with a dynamic batch axis';
  return 'take it on trust that rows do not depend on each other, with --batching trust';
}

export interface ProfileOptions {
  /** Whether batches are measured although it is not proven that rows do not depend on each other. */
  readonly batching?: BatchingChoice | undefined;
  /** Default: powers of two up to 32 (`quick`: 16); 1 for a model that cannot batch. */
  readonly batches?: readonly number[] | undefined;
  /** Default: a quarter of a core up to all that this process can have. */
  readonly cpuMillicores?: readonly number[] | undefined;
  /**
   * Shares of the first GPU in percent, 0 being without; where there is no GPU, only 0 is measured. Default:
   * 0.
   */
  readonly gpuPercents?: readonly number[] | undefined;
  /**
   * What of the engine runs shares of the GPU; where it is named, it must be usable. Default: `cuda`, if
   * there is one.
   */
  readonly provider?: ProviderName | undefined;
  /** How much of a run a provider may leave to the CPU. Default: `little`, 2 % of its time. */
  readonly cpuFallback?: CpuFallback | undefined;
  /** A coarser grid and about a second a cell; what is given explicitly still counts. */
  readonly quick?: boolean | undefined;
  /** Every cell of the grid, none predicted. */
  readonly full?: boolean | undefined;
  /**
   * Median error of held-out cells, as a share, that the sweep goes on for. Default: 0.05, but at most 30 %
   * of the grid is measured.
   */
  readonly predictionError?: number | undefined;
  /**
   * The time for all of it, from reading the model on: no cell is begun that would take longer, and what is
   * under way then is given up, except for a first cell. What is not measured is predicted. Default: no
   * limit.
   */
  readonly maxTimeMs?: number | undefined;
  /** Of the mean's confidence interval. Default 0.95. */
  readonly level?: number | undefined;
  /** Half the interval over the mean. Default 0.03 (`quick`: 0.1). */
  readonly relativeError?: number | undefined;
  /** Warm-up and samples of one cell. Default 6 s (`quick`: 0.6 s), or a tenth of all the time if less. */
  readonly cellTimeMs?: number | undefined;
  /** Configs whose batch alone takes longer are not measured, but predicted. */
  readonly slo?: Slo | undefined;
  /** CFS period of the quotas. Default: that of quotas on this machine, 10 ms. */
  readonly periodMicros?: number | undefined;
  /** Cells that may be chosen are measured under this period, too. */
  readonly otherPeriodMicros?: number | undefined;
  /** Default: the best that works here. */
  readonly mechanism?: QuotaMechanism | undefined;
  /** What requests look like. Default: made up from the model. */
  readonly like?: RequestLike | undefined;
  readonly modelName?: string | undefined;
  /** The table goes into the cache even where a better one is there. */
  readonly replace?: boolean | undefined;
  /** Where finished cells are kept until all are. Default: beside the table in the cache. */
  readonly journalFile?: string | undefined;
  /**
   * Goes on with the journal of an interrupted sweep instead of putting it aside. That there is none is told
   * to who has asked for it: true.
   */
  readonly resume?: boolean | 'if-interrupted' | undefined;
  /** A process that finishes no batch for this long counts as hanging. Default 2 minutes. */
  readonly silenceMs?: number | undefined;
}

const THOROUGH = { relativeError: 0.03, cellTimeMs: 6000 };
const QUICK = { relativeError: 0.1, cellTimeMs: 600 };
const SILENCE_MS = 120_000;
const PREDICTION_ERROR = 0.05;

export function settingsOf(options: ProfileOptions): CellSettings {
  const preset = options.quick === true ? QUICK : THOROUGH;
  return {
    level: options.level ?? 0.95,
    relativeError: options.relativeError ?? preset.relativeError,
    cellTimeMs: options.cellTimeMs ?? Math.min(preset.cellTimeMs, shortOf(options)),
    silenceMs: options.silenceMs ?? SILENCE_MS,
  };
}

/** Of a time limit each cell may take a part, so that there are enough of them. */
const SHARE_OF_CELL = 0.1;

function shortOf({ maxTimeMs = Number.POSITIVE_INFINITY }: ProfileOptions): number {
  return Math.max(QUICK.cellTimeMs, SHARE_OF_CELL * maxTimeMs);
}

/** Which cells of the grid are measured. */
export function strategyOf(
  options: ProfileOptions,
  sweep: Pick<SparseOptions, 'first' | 'gridCells' | 'level' | 'threadingOf'>,
): Strategy {
  if (options.full === true) return fullStrategy(sweep.gridCells);
  return sparseStrategy({
    ...sweep,
    error: options.predictionError ?? PREDICTION_ERROR,
    insist: options.predictionError !== undefined,
  });
}

/** Whether an accelerator is named, so that it has to be used. */
export function asksForGpu({ provider }: ProfileOptions): boolean {
  return provider !== undefined && provider !== CPU_PROVIDER;
}

/** @throws InflessError INVALID_INPUT for batches the model, or quotas the host, cannot have. */
export function gridOf(manifest: ModelManifest, available: number, options: ProfileOptions): Grid {
  const batching = canBatch(manifest);
  const preset = defaultGrid({ cpuMillicores: available, batching, quick: options.quick ?? false });
  const grid = {
    batches: options.batches ?? preset.batches,
    cpuMillicores: options.cpuMillicores ?? preset.cpuMillicores,
    gpuPercents: options.gpuPercents ?? (asksForGpu(options) ? [100] : preset.gpuPercents),
  };
  if (!batching && grid.batches.some((batch) => batch > 1)) {
    throw new InflessError(
      'INVALID_INPUT',
      `Model ${manifest.name} cannot run a batch of ${Math.max(...grid.batches)}: ${whyUnbatched(manifest)}`,
      { remedy: `Leave out --batches, or ${remedyFor(manifest)}.` },
    );
  }
  if (options.provider === CPU_PROVIDER && grid.gpuPercents.some((percent) => percent > 0)) {
    throw new InflessError('INVALID_INPUT', 'The provider "cpu" makes no use of shares of a GPU', {
      remedy: 'Leave out --gpu, or name another provider.',
    });
  }
  checkCpus(grid.cpuMillicores, available);
  return grid;
}
