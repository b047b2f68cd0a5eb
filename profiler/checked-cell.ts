import type { Cell, Verdict } from '../profiles/table.ts';
import { type Evidence, isPassing, verdictsOn } from './cell/verdicts.ts';

/** A cell whose measurement was looked at, with how often it was measured. */
export interface CheckedCell extends Evidence {
  readonly attempts: number;
}

/** What disturbs a cell may pass while it is measured again. */
const MOST_ATTEMPTS = 3;

/**
 * Measures a cell, and again while something is wrong with it that may pass. The best attempt is kept: with the fewest such verdicts, of
 * those the fastest, since whatever disturbs makes slower. What is still wrong with it then is marked in the cell.
 *
 * @param mostAttempts 1 where it has turned out that trying again is of no use
 */
export async function measureChecked(
  measure: () => Promise<Evidence>,
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
  readonly evidence: Evidence;
  readonly verdicts: readonly Verdict[];
}

function isBetter(a: Attempt, b: Attempt): boolean {
  const passing = ({ verdicts }: Attempt): number => verdicts.filter(isPassing).length;
  const meanMs = ({ evidence }: Attempt): number => evidence.cell.latencyMs.mean;
  return passing(a) < passing(b) || (passing(a) === passing(b) && meanMs(a) < meanMs(b));
}
