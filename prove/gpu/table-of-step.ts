import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTable } from '../../profiles/store.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import type { StepContext, Verdict } from './step.ts';

/** What step f leaves for those that plan with it. */
export const TABLE_FILE = 'table.json';

/** The table of step f, of this run or an earlier one; else the verdict of a step that plans with it. */
export async function tableOfSweep({
  out,
}: Pick<StepContext, 'out'>): Promise<{ readonly table: ProfileTable } | { readonly verdict: Verdict }> {
  const file = join(out, TABLE_FILE);
  if ((await stat(file).catch(() => undefined)) === undefined) {
    return {
      verdict: {
        outcome: 'skipped',
        sentence: `Step f has left no ${TABLE_FILE} in the results: run it first.`,
      },
    };
  }
  const table = await readTable(file);
  if (table.cells.some(({ gpuPercent }) => gpuPercent > 0)) return { table };
  return {
    verdict: { outcome: 'failed', sentence: `${TABLE_FILE} of step f has no cell with a share of the card.` },
  };
}
