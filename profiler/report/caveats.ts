import { isImported, whyDue } from '../../profiles/conditions/due.ts';
import { formatShapes, shapesOfTable } from '../../profiles/conditions/shapes.ts';
import { formatConfig } from '../../profiles/config.ts';
import { relativeError } from '../../profiles/statistics.ts';
import { type Cell, type ProfileTable, type Verdict, verdictSchema } from '../../profiles/table.ts';
import { SAMPLES_FOR_TAIL } from '../cell/stopping.ts';
import { isDisturbed } from '../cell/verdicts.ts';
import { confidenceOf } from './figures.ts';

/** What a table's numbers do not say by themselves, as sentences. */
export function caveatsOf(table: ProfileTable): readonly string[] {
  if (!hasIntervals(table))
    return ['The precision of these means is unknown: the table comes from another tool.'];
  const cells = table.cells.filter(({ predicted }) => predicted !== true);
  const vague = cells.filter((cell) => !cell.converged).length;
  const disturbed = cells.filter(isDisturbed).length;
  const hasMark = cells.some(({ latencyMs }) => latencyMs.extrapolated?.includes('p99') === true);
  const few = cells.filter((cell) => cell.samples < SAMPLES_FOR_TAIL).length;
  return [
    ...dueCaveat(table),
    ...predictionCaveat(table, cells.length),
    ...verdictCaveats(cells),
    ...speedCaveat(cells),
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
          `The p99 of ${few} of ${cells.length} cells${hasMark ? ' (↑)' : ''} is about their slowest run: they have fewer than ${SAMPLES_FOR_TAIL} samples.${hasMark ? ' Plans and recommendations count with the upper end of its interval.' : ''}`,
        ]),
  ];
}

function dueCaveat(table: ProfileTable): string[] {
  const why = whyDue(table);
  return why === undefined ? [] : [`! This table is due again: ${why}.`];
}

/** Less is nothing to speak of. */
const NOTABLE_SPREAD = 0.05;

function speedCaveat(cells: readonly Cell[]): string[] {
  const factors = cells.flatMap(({ speedFactor }) => speedFactor ?? []);
  const spread = Math.max(...factors) / Math.min(...factors) - 1;
  if (factors.length < 2 || spread < NOTABLE_SPREAD) return [];
  return [
    `The host's speed varied by ${percent(spread)} from cell to cell: times are as of its usual speed.`,
  ];
}

function predictionCaveat({ cells, prediction }: ProfileTable, measured: number): string[] {
  if (prediction === undefined) return [];
  const { heldOut } = prediction;
  const quality =
    heldOut === null
      ? 'too few were measured to tell how well'
      : `each measured one, predicted from the others: off by ${percent(heldOut.median)} in the median, ${percent(heldOut.p90)} at p90, ${percent(heldOut.max)} at most`;
  return [`≈ ${cells.length - measured} of ${cells.length} cells are predicted, not measured (${quality}).`];
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  'batch-not-filled': 'waited for batches more than they computed',
  'noisy-host': 'were disturbed by other load on this host',
  drifting: 'were measured while the host became faster or slower',
  'not-warm': 'were not steady after warming up',
  'non-monotone': 'contradict their neighbours',
  'gpu-throttled': 'were measured while the GPU slowed down for heat or power',
  'gpu-shared': 'were measured while other processes computed on the GPU',
  throttled: 'are throttled although their threads fit the quota',
  spinning: 'spend much of their quota on threads that spin',
};

/** What was found wrong and stayed so, however often it was measured. */
function verdictCaveats(cells: readonly Cell[]): string[] {
  return verdictSchema.options.flatMap((verdict) => {
    const count = cells.filter(({ verdicts }) => verdicts?.includes(verdict)).length;
    return count === 0 ? [] : [`! ${count} of ${cells.length} measured cells ${VERDICTS[verdict]}.`];
  });
}

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

/** Whether the table's intervals say something: those of other tools' tables have none. */
export function hasIntervals(table: ProfileTable): boolean {
  return !isImported(table);
}

/** What rows were measured: `images 3×640×640`. */
export function shapesText(table: ProfileTable): string {
  const shapes = shapesOfTable(table);
  return shapes === undefined ? 'of unknown sizes' : formatShapes(shapes);
}

function precisionOf(cell: Cell): string {
  const percent = relativeError(cell.latencyMs) * 100;
  return percent < 1000 ? `±${Number(percent.toPrecision(2))} %` : 'no precision at all';
}

/**
 * More CPU or GPU cannot slow a batch down: where intervals apart say so, one of the two was measured
 * wrongly.
 */
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
