import type { ProfileTable } from '../../profiles/table.ts';
import { isDisturbed } from '../disturbance.ts';
import { SAMPLES_FOR_TAIL } from '../stopping.ts';
import { confidenceOf } from './figures.ts';
import { hasIntervals } from './remarks.ts';

/** What a table's numbers do not say by themselves, as sentences. */
export function caveatsOf(table: ProfileTable): readonly string[] {
  const { cells } = table;
  if (!hasIntervals(table))
    return ['Nobody knows how precise these means are: the table is of another tool.'];
  const vague = cells.filter((cell) => !cell.converged).length;
  const disturbed = cells.filter(isDisturbed).length;
  const few = cells.filter((cell) => cell.samples < SAMPLES_FOR_TAIL).length;
  return [
    ...(vague === 0
      ? []
      : [`~ ${vague} of ${cells.length} cells missed ${confidenceOf(table)} in their time.`]),
    ...(disturbed === 0
      ? []
      : [
          `! ${disturbed} of ${cells.length} cells took longer than the CPU they used explains: something else ran on this host. Measure again when it is quiet.`,
        ]),
    ...(few === 0
      ? []
      : [
          `The p99 of ${few} of ${cells.length} cells is about their slowest run: they have fewer than ${SAMPLES_FOR_TAIL} samples.`,
        ]),
  ];
}
