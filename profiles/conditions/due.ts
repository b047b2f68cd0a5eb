import type { ProfileTable } from '../table.ts';

/**
 * The version of all that decides how long a batch takes in a serving process beside the engine: the batch
 * executor, frames, HTTP, codecs, threads. It goes up by one with a change that moves a cell by more than its
 * interval; tables of another version are measured again. 1 is what tables without it were measured by.
 */
export const SERVING_PATH = 2;

/** Whether it comes from another tool: its times are taken as they are, and their precision is unknown. */
export function isImported({ confidence }: Pick<ProfileTable, 'confidence'>): boolean {
  return confidence.level === 0;
}

/**
 * Why a table should be measured again although nothing is wrong with it, as a clause; undefined where it
 * should not. It is still used: its times are the best that is known.
 */
export function whyDue(table: Pick<ProfileTable, 'confidence' | 'servingPath'>): string | undefined {
  if (isImported(table)) return undefined;
  const { servingPath = 1 } = table;
  if (servingPath === SERVING_PATH) return undefined;
  const relation = servingPath < SERVING_PATH ? 'an older' : 'a newer';
  return `it was measured with ${relation} version of the serving path (${servingPath}, here ${SERVING_PATH})`;
}
