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

/**
 * Measures configs, each in a process and under a quota of its own, looks at the result and measures again
 * where that may help.
 */
export class CellRunner {
  readonly #bench: CellEnvironment;
  readonly #signal: AbortSignal | undefined;
  #hopelessInRow = 0;

  constructor(bench: CellEnvironment, signal: AbortSignal | undefined) {
    this.#bench = bench;
    this.#signal = signal;
  }

  /**
   * @param threading default: the engine's own rule
   * @throws the signal's reason when aborted; InflessError for what is not the config's fault
   */
  async measure(config: Config, threading?: Threading): Promise<CheckedCell | CellFailure> {
    try {
      const measureOnce = (): Promise<MeasuredCell> => this.#measureOnce(config, threading);
      const isPatient = this.#hopelessInRow < PATIENCE;
      const checked = await measureChecked(measureOnce, ...(isPatient ? [] : [1]));
      const isMarked = checked.cell.verdicts?.some(isPassing) ?? false;
      this.#hopelessInRow = isMarked ? this.#hopelessInRow + 1 : 0;
      return checked;
    } catch (error) {
      if (error instanceof InflessError && error.code === 'INFERENCE_FAILED') return { failure: error };
      throw error;
    }
  }

  async #measureOnce(config: Config, threading: Threading | undefined): Promise<MeasuredCell> {
    this.#signal?.throwIfAborted();
    const quota = await createSweepQuota(this.#bench.quotas, config.cpuMillicores);
    try {
      return await measureCell({ ...this.#bench, config, threading }, quota, this.#signal);
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
 * @param mostAttempts 1 where it has turned out that trying again is of no use
 */
export async function measureChecked(
  measure: () => Promise<MeasuredCell>,
  mostAttempts = MOST_ATTEMPTS,
): Promise<CheckedCell> {
  let best: Attempt | undefined;
  for (let attempts = 1; ; attempts += 1) {
    const evidence = await measure();
    const verdicts = verdictsOn(evidence);
    if (best === undefined || isBetter({ evidence, verdicts }, best)) best = { evidence, verdicts };
    if (!best.verdicts.some(isPassing) || attempts >= mostAttempts) {
      return { ...best.evidence, cell: withVerdicts(best.evidence.cell, best.verdicts), attempts };
    }
  }
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
