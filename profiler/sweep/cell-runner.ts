import { InflessError } from '../../models/base/errors.ts';
import type { Threading } from '../../models/engines/engine.ts';
import type { ModelFile } from '../../models/manifest/manifest.ts';
import type { Config } from '../../profiles/config.ts';
import type { Cell, Verdict } from '../../profiles/table.ts';
import { type CellSettings, measureCell } from '../cell/measure-cell.ts';
import { isPassing, type MeasuredCell, verdictsOn } from '../cell/verdicts.ts';
import type { SweepGpu } from '../gpu/sweep-gpu.ts';
import { createSweepQuota } from '../quota/measurement-quotas.ts';
import type { Quotas } from '../quota/quota.ts';
import type { TimeLimit } from './progress.ts';

/**
 * After so many cells in a row that no repetition mended, the host is as it is: cells are measured once,
 * until one is clean.
 */
const PATIENCE = 2;

/** With what cells are measured. */
export interface CellEnvironment {
  readonly model: ModelFile;
  readonly settings: CellSettings;
  readonly quotas: Quotas;
  /** Needed where a config has a share of it. */
  readonly gpu?: SweepGpu | undefined;
}

/** A config that cannot run here, and why. */
export interface CellFailure {
  readonly failure: InflessError;
}

/** A {@link CellRunner}, as whoever asks it sees it. */
export interface Measuring {
  measure: CellRunner['measure'];
  within(limit: TimeLimit, first?: 'limited' | 'finished'): Pick<CellRunner, 'measure'>;
}

/**
 * Measures configs, each in a process and under a quota of its own, looks at the result and measures again
 * where that may help.
 */
export class CellRunner {
  readonly #bench: CellEnvironment;
  readonly #signal: AbortSignal | undefined;
  readonly #limit: TimeLimit | undefined;
  readonly #first: 'limited' | 'finished';
  #hopelessInRow = 0;

  constructor(
    bench: CellEnvironment,
    signal: AbortSignal | undefined,
    limit?: TimeLimit,
    first: 'limited' | 'finished' = 'limited',
  ) {
    this.#first = first;
    this.#bench = bench;
    this.#signal = signal;
    this.#limit = limit;
  }

  /**
   * The same with a limit of its own.
   *
   * @param first whether it holds for a first attempt as well, or for further ones alone
   */
  within(limit: TimeLimit, first: 'limited' | 'finished' = 'limited'): CellRunner {
    return new CellRunner(this.#bench, this.#signal, limit, first);
  }

  /**
   * @param threading default: the engine's own rule
   * @returns undefined where the time was up before it was done
   * @throws the signal's reason when aborted; InflessError for what is not the config's fault
   */
  async measure(config: Config, threading?: Threading): Promise<CheckedCell | CellFailure | undefined> {
    try {
      let attempts = 0;
      const measureOnce = (): Promise<MeasuredCell | undefined> => {
        attempts += 1;
        const isFree = attempts === 1 && this.#first === 'finished';
        return this.#measureOnce(config, threading, isFree ? undefined : this.#limit);
      };
      const isPatient = this.#hopelessInRow < PATIENCE;
      const checked = await measureChecked(measureOnce, ...(isPatient ? [] : [1]));
      if (checked === undefined) return undefined;
      const isMarked = checked.cell.verdicts?.some(isPassing) ?? false;
      this.#hopelessInRow = isMarked ? this.#hopelessInRow + 1 : 0;
      return checked;
    } catch (error) {
      if (error instanceof InflessError && error.code === 'INFERENCE_FAILED') return { failure: error };
      throw error;
    }
  }

  async #measureOnce(
    config: Config,
    threading: Threading | undefined,
    limit: TimeLimit | undefined,
  ): Promise<MeasuredCell | undefined> {
    this.#signal?.throwIfAborted();
    if (limit?.isOver) return undefined;
    const ends = [this.#signal, limit?.signal].filter((signal) => signal !== undefined);
    const quota = await createSweepQuota(this.#bench.quotas, config.cpuMillicores);
    try {
      return await measureCell({ ...this.#bench, config, threading }, quota, AbortSignal.any(ends));
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (limit?.isOver) return undefined; // the process was ended for that
      throw error;
    } finally {
      await quota.remove();
    }
  }
}

/** A cell whose measurement was looked at, with how often it was measured. */
export interface CheckedCell extends MeasuredCell {
  readonly attempts: number;
}

/** What disturbs a cell may pass while it is measured again. */
const MOST_ATTEMPTS = 3;

/**
 * Measures a cell, and again while something is wrong with it that may pass. The best attempt is kept: with
 * the fewest such verdicts, of those the fastest, since whatever disturbs makes slower. What is still wrong
 * with it then is marked in the cell.
 *
 * @param measure undefined where there was no time for it
 * @param mostAttempts 1 where it has turned out that trying again is of no use
 * @returns undefined where there was no time for any
 */
export async function measureChecked(
  measure: () => Promise<MeasuredCell | undefined>,
  mostAttempts = MOST_ATTEMPTS,
): Promise<CheckedCell | undefined> {
  let best: Attempt | undefined;
  for (let attempts = 1; ; attempts += 1) {
    const evidence = await measure();
    if (evidence === undefined) return best && checkedBy(best, attempts - 1);
    const verdicts = verdictsOn(evidence);
    if (best === undefined || isBetter({ evidence, verdicts }, best)) best = { evidence, verdicts };
    if (!best.verdicts.some(isPassing) || attempts >= mostAttempts) {
      return checkedBy(best, attempts);
    }
  }
}

function checkedBy({ evidence, verdicts }: Attempt, attempts: number): CheckedCell {
  return { ...evidence, cell: withVerdicts(evidence.cell, verdicts), attempts };
}

/** The cell with these verdicts added to its own. */
export function withVerdicts(cell: Cell, added: readonly Verdict[]): Cell {
  const verdicts = [...new Set([...(cell.verdicts ?? []), ...added])];
  return verdicts.length === 0 ? cell : { ...cell, verdicts };
}

interface Attempt {
  readonly evidence: MeasuredCell;
  readonly verdicts: readonly Verdict[];
}

function isBetter(a: Attempt, b: Attempt): boolean {
  const passing = ({ verdicts }: Attempt): number => verdicts.filter(isPassing).length;
  const meanMs = ({ evidence }: Attempt): number => evidence.cell.latencyMs.mean;
  return passing(a) < passing(b) || (passing(a) === passing(b) && meanMs(a) < meanMs(b));
}
