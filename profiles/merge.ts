import { InflessError } from '../models/base/errors.ts';
import { shapeDifference } from './conditions/shapes.ts';
import { type Config, compareConfigs, configKey } from './config.ts';
import { sameHost } from './host.ts';
import type { Cell, ProfileTable } from './table.ts';

/** A table and what to call it in errors and reports. */
export interface NamedTable {
  readonly name: string;
  readonly table: ProfileTable;
}

/** A config that two tables tell differently beyond both intervals. */
export interface MergeConflict {
  readonly config: Config;
  readonly kept: { readonly name: string; readonly meanMs: number };
  readonly dropped: { readonly name: string; readonly meanMs: number };
}

export interface Merge {
  readonly table: ProfileTable;
  readonly conflicts: readonly MergeConflict[];
}

/**
 * Several tables of one model as one; of a config in several, the newer table's cell is taken, but no
 * predicted one for a measured one. What a table says of all its cells must be true of all of the merged
 * ones: model, host, sizes of rows, engine, quota
 * and serving path have to be the same, and the weakest confidence is stated.
 *
 * @param tables at least one
 * @throws InflessError PROFILE_INVALID naming the two tables and what differs
 */
export function mergeTables(tables: readonly NamedTable[]): Merge {
  const oldestFirst = tables.toSorted(
    (a, b) => Date.parse(a.table.createdAt) - Date.parse(b.table.createdAt),
  );
  for (const other of tables.slice(1)) checkAlike(tables[0]!, other);
  const cells = new Map<string, { readonly name: string; readonly cell: Cell }>();
  const conflicts: MergeConflict[] = [];
  for (const { name, table } of oldestFirst) {
    for (const cell of table.cells) {
      const older = cells.get(configKey(cell));
      if (cell.predicted === true && older !== undefined && older.cell.predicted !== true) continue;
      if (older !== undefined && areApart(older.cell, cell)) {
        conflicts.push({
          config: cell,
          kept: { name, meanMs: cell.latencyMs.mean },
          dropped: { name: older.name, meanMs: older.cell.latencyMs.mean },
        });
      }
      cells.set(configKey(cell), { name, cell: withWhatElse(cell, older?.cell) });
    }
  }
  const newest = oldestFirst.at(-1)!.table;
  const merged: ProfileTable = {
    ...newest,
    confidence: {
      level: Math.min(...tables.map(({ table }) => table.confidence.level)),
      relativeError: Math.max(...tables.map(({ table }) => table.confidence.relativeError)),
    },
    cells: [...cells.values()].map(({ cell }) => cell),
  };
  return { table: { ...merged, cells: merged.cells.toSorted(compareConfigs) }, conflicts };
}

/** What was measured beside a config, under other periods or with other threads, is true of it still. */
function withWhatElse(cell: Cell, older: Cell | undefined): Cell {
  const { otherPeriods = older?.otherPeriods, otherThreads = older?.otherThreads } = cell;
  return {
    ...cell,
    ...(otherPeriods === undefined ? {} : { otherPeriods }),
    ...(otherThreads === undefined ? {} : { otherThreads }),
  };
}

function checkAlike(a: NamedTable, b: NamedTable): void {
  const difference = differenceOf(a.table, b.table);
  if (difference === undefined) return;
  throw new InflessError(
    'PROFILE_INVALID',
    `Tables ${a.name} and ${b.name} cannot be one: they are of different ${difference}`,
    { remedy: 'infless-profile compare shows how they differ.' },
  );
}

function differenceOf(a: ProfileTable, b: ProfileTable): string | undefined {
  if (a.model.digest !== b.model.digest) return `models (${a.model.name}, ${b.model.name})`;
  if (!sameHost(a.host, b.host)) return `hosts (${a.host.cpuModel}, ${b.host.cpuModel})`;
  const shapes = shapeDifference(a, b);
  if (shapes !== undefined) return `rows (${shapes.join('; ')})`;
  if (a.engine !== b.engine) return `engines (${a.engine}, ${b.engine})`;
  const [quotaA, quotaB] = [a.quota, b.quota].map(
    ({ mechanism, periodMicros }) =>
      `${mechanism}${periodMicros === null ? '' : ` with ${periodMicros / 1000} ms`}`,
  );
  if (quotaA !== quotaB) return `CPU quotas (${quotaA}, ${quotaB})`;
  const [pathA = 1, pathB = 1] = [a.servingPath, b.servingPath];
  return pathA === pathB ? undefined : `versions of the serving path (${pathA}, ${pathB})`;
}

function areApart(a: Cell, b: Cell): boolean {
  const [lowA, highA] = a.latencyMs.meanInterval;
  const [lowB, highB] = b.latencyMs.meanInterval;
  return lowA > highB || lowB > highA;
}
