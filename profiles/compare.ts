import { InflessError } from '../models/base/errors.ts';
import { fullBatch } from './capacity/batch-time.ts';
import { formatRow, shapeDifference, shapesOfTable, UNKNOWN_SHAPES } from './conditions/shapes.ts';
import { type Config, compareConfigs, configKey } from './config.ts';
import { sameHost } from './host.ts';
import { viewOf } from './lookup.ts';
import type { Cell, ProfileTable } from './table.ts';

/** A config in both tables. */
export interface CellComparison {
  readonly before: Cell;
  readonly after: Cell;
  /** Mean after over mean before: above 1 is slower. */
  readonly ratio: number;
  /**
   * What the ratio may be: from the low end of one interval over the high end of the other, to the reverse.
   */
  readonly ratioInterval: readonly [number, number];
  /**
   * The same with reading and writing JSON and its way over HTTP, which is what an instance is busy with:
   * see {@link fullBatch}. No interval is known of those.
   */
  readonly busyRatio: number;
  /** `same` wherever the intervals meet. */
  readonly verdict: 'slower' | 'faster' | 'same';
}

export interface Comparison {
  /** What differs beside the cells, each as a phrase: whoever reads a ratio has to know. */
  readonly differences: readonly string[];
  /** In reading order. */
  readonly cells: readonly CellComparison[];
  readonly onlyBefore: readonly Config[];
  readonly onlyAfter: readonly Config[];
  /** Geometric mean of the ratios; null without a config in common. */
  readonly meanRatio: number | null;
}

/**
 * Cell by cell, how much slower the model has become from one table to the other.
 *
 * @throws InflessError INVALID_INPUT where their rows are known to be of different sizes: ratios would tell
 * of those
 */
export function compareTables(before: ProfileTable, after: ProfileTable): Comparison {
  const shapes = shapeDifference(before, after);
  if (shapes !== undefined && !shapes.includes(UNKNOWN_SHAPES)) {
    throw new InflessError(
      'INVALID_INPUT',
      `Tables of rows of different sizes cannot be compared (${shapes.join(' and ')})`,
      { remedy: 'Measure both with the same --shape.' },
    );
  }
  const busyMs = (table: ProfileTable, cell: Cell): number => fullBatch(viewOf(table), cell, 50).meanMs;
  const busyRatio = (cell: Cell): number => busyMs(after, cell) / busyMs(before, cell);
  const counterparts = new Map(after.cells.map((cell) => [configKey(cell), cell]));
  const known = new Set(before.cells.map(configKey));
  const ordered = before.cells.toSorted(compareConfigs);
  const cells = ordered.flatMap((cell) => {
    const counterpart = counterparts.get(configKey(cell));
    if (counterpart === undefined) return [];
    return [{ ...compareCells(cell, counterpart), busyRatio: busyRatio(cell) }];
  });
  const logs = cells.map(({ ratio }) => Math.log(ratio));
  return {
    differences: differencesOf(before, after),
    cells,
    onlyBefore: ordered.filter((cell) => !counterparts.has(configKey(cell))),
    onlyAfter: after.cells.toSorted(compareConfigs).filter((cell) => !known.has(configKey(cell))),
    meanRatio: logs.length === 0 ? null : Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length),
  };
}

/** Cells that are slower beyond both intervals, by more than this share. */
export function regressions({ cells }: Comparison, share: number): readonly CellComparison[] {
  return cells.filter(({ verdict, ratio }) => verdict === 'slower' && ratio - 1 > share);
}

function compareCells(before: Cell, after: Cell): Omit<CellComparison, 'busyRatio'> {
  const [lowBefore, highBefore] = before.latencyMs.meanInterval;
  const [lowAfter, highAfter] = after.latencyMs.meanInterval;
  return {
    before,
    after,
    ratio: after.latencyMs.mean / before.latencyMs.mean,
    ratioInterval: [lowAfter / highBefore, highAfter / lowBefore],
    verdict: lowAfter > highBefore ? 'slower' : highAfter < lowBefore ? 'faster' : 'same',
  };
}

function shapesText(table: ProfileTable): string {
  return shapesOfTable(table)?.map(formatRow).join(', ') ?? UNKNOWN_SHAPES;
}

function differencesOf(before: ProfileTable, after: ProfileTable): string[] {
  const changed = (what: string, of: (table: ProfileTable) => string): string[] =>
    of(before) === of(after) ? [] : [`${what}: ${of(before)} → ${of(after)}`];
  return [
    ...changed('model', ({ model }) => `${model.name} (${model.digest.slice(0, 19)})`),
    ...(sameHost(before.host, after.host) ? [] : changed('host', hostText)),
    ...(shapeDifference(before, after) === undefined ? [] : changed('rows', shapesText)),
    ...changed('engine', ({ engine }) => engine),
    ...changed('serving path', ({ servingPath }) => `version ${servingPath ?? 1}`),
    ...changed('CPU quota', ({ quota }) => quota.mechanism),
    ...changed('quota period', ({ quota }) =>
      quota.periodMicros === null ? 'none' : `${quota.periodMicros / 1000} ms`,
    ),
    ...changed('confidence', ({ confidence }) => `${confidence.level * 100} %`),
  ];
}

/** Two hosts may bear the same names; then only their fingerprints tell them apart. */
function hostText({ host }: ProfileTable): string {
  const gpus = host.gpus.map(({ model }) => `, ${model}`).join('');
  return `${host.cpuModel}${gpus} (${host.fingerprint.slice(0, 19)})`;
}
