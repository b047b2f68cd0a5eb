import { formatConfig } from '../../profiles/config.ts';
import { relativeError } from '../../profiles/statistics.ts';
import type { Cell, ProfileTable } from '../../profiles/table.ts';
import { SAMPLES_FOR_TAIL } from '../cell/stopping.ts';
import { isDisturbed } from '../cell/verdicts.ts';

/** What a reader should know before trusting a cell: nothing where there is nothing. */
export function remarksOn(cell: Cell, table: ProfileTable): readonly string[] {
  if (!hasIntervals(table)) return [];
  if (cell.predicted === true) return [`predicted to ${precisionOf(cell)}, not measured`];
  const remarks: string[] = (cell.verdicts ?? []).map((verdict) => verdict.replaceAll('-', ' '));
  if (!cell.converged) remarks.push(`mean known to ${precisionOf(cell)} only`);
  if (isDisturbed(cell)) remarks.push('disturbed: took longer than the CPU it used explains');
  if (cell.samples < SAMPLES_FOR_TAIL) remarks.push(`p99 of ${cell.samples} samples is about the slowest`);
  const lesser = fasterWithLess(cell, table);
  if (lesser !== undefined) remarks.push(`slower than ${formatConfig(lesser)}, which has less`);
  return remarks;
}

/** Whether the table's intervals say something: those of other tools' tables often have none. */
export function hasIntervals({ confidence }: ProfileTable): boolean {
  return confidence.level > 0;
}

function precisionOf(cell: Cell): string {
  const percent = relativeError(cell.latencyMs) * 100;
  return percent < 1000 ? `±${Number(percent.toPrecision(2))} %` : 'no precision at all';
}

/** More CPU or GPU cannot slow a batch down: where intervals apart say so, one of the two was measured wrongly. */
function fasterWithLess(cell: Cell, { cells }: ProfileTable): Cell | undefined {
  return cells.find(
    (other) =>
      other.predicted !== true &&
      other.batch === cell.batch &&
      other.gpuPercent > 0 === cell.gpuPercent > 0 &&
      other.gpuPercent <= cell.gpuPercent &&
      other.cpuMillicores <= cell.cpuMillicores &&
      other.latencyMs.meanInterval[1] < cell.latencyMs.meanInterval[0],
  );
}
