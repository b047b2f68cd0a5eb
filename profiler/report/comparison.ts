import Table from 'cli-table3';
import type { CellComparison, Comparison } from '../../profiles/compare.ts';
import { type Config, formatConfig } from '../../profiles/config.ts';
import { relativeError } from '../../profiles/statistics.ts';
import type { Cell } from '../../profiles/table.ts';
import { short } from './figures.ts';

/** A comparison as a person reads it in a terminal. */
export function renderComparison(comparison: Comparison): string {
  const { differences, cells, onlyBefore, onlyAfter, meanRatio } = comparison;
  return [
    ...(differences.length === 0
      ? ['Model, host, engine and quota are the same.']
      : ['These differ, and may be the reason:', ...differences.map((difference) => `  ${difference}`)]),
    '',
    renderCells(cells),
    ...onlyIn('before', onlyBefore),
    ...onlyIn('after', onlyAfter),
    `${count(cells, 'slower')} slower, ${count(cells, 'faster')} faster beyond both intervals, ${count(cells, 'same')} neither; ${meanRatio?.toFixed(3) ?? '–'} times the mean latency (geometric mean).`,
    '',
  ].join('\n');
}

function renderCells(cells: readonly CellComparison[]): string {
  const grid = new Table({
    head: ['config', 'before, ms', 'after, ms', 'ratio', 'may be', 'with JSON', ''],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { before, after, ratio, ratioInterval, busyRatio, verdict } of cells) {
    const [low, high] = ratioInterval;
    grid.push([
      formatConfig(before),
      meanText(before),
      meanText(after),
      ratio.toFixed(3),
      `${ratioText(low)}–${ratioText(high)}`,
      busyRatio.toFixed(3),
      verdict === 'same' ? '' : verdict,
    ]);
  }
  return grid.toString();
}

function meanText({ latencyMs }: Cell): string {
  const percent = relativeError(latencyMs) * 100;
  return percent < 1000 ? `${short(latencyMs.mean)} ±${short(percent)} %` : short(latencyMs.mean);
}

/** One sample has an interval of all positive numbers. */
function ratioText(ratio: number): string {
  return ratio >= 1000 ? '∞' : ratio.toFixed(2);
}

function onlyIn(which: string, configs: readonly Config[]): string[] {
  return configs.length === 0 ? [] : [`Only ${which}: ${configs.map(formatConfig).join(', ')}`];
}

function count(cells: readonly CellComparison[], wanted: CellComparison['verdict']): number {
  return cells.filter(({ verdict }) => verdict === wanted).length;
}
