import type { MeanInterval } from '../../simulation/intervals.ts';
import { plainTable } from '../report/text-report.ts';
import { type SummaryFigure, type SummaryRow, settingText } from './summary.ts';

const COLUMNS: readonly [string, SummaryFigure, number, number][] = [
  ['in time, %', 'inTimeShare', 100, 2],
  ['worst p99, ms', 'worstP99Ms', 1, 0],
  ['cores', 'meanCores', 1, 2],
  ['GPU %', 'meanGpuPercent', 1, 1],
  ['cold, %', 'coldStartShare', 100, 2],
];

/** The summary in a terminal: means ± 95 % intervals, in brackets differences from the first policy. */
export function summaryText(rows: readonly SummaryRow[]): string {
  const settings = [...new Map(rows.map(({ setting }) => [JSON.stringify(setting), setting])).values()];
  return settings
    .map((setting) => {
      const table = plainTable(['', ...COLUMNS.map(([title]) => title)]);
      for (const row of rows.filter((each) => JSON.stringify(each.setting) === JSON.stringify(setting))) {
        table.push([row.policy, ...COLUMNS.map((column) => cellText(row, column))]);
      }
      const title = settingText(setting, settings);
      return `${title === '' ? '' : `${title}\n`}${table.toString()}`;
    })
    .join('\n\n');
}

export function cellText(
  { figures, differences }: SummaryRow,
  [, figure, factor, digits]: (typeof COLUMNS)[number],
): string {
  const text = ({ mean, half, runs }: MeanInterval): string => {
    const value = (mean * factor).toFixed(digits);
    return runs < 2 ? value : `${value} ± ${(half * factor).toFixed(digits)}`;
  };
  const difference = differences?.[figure];
  return difference === undefined ? text(figures[figure]) : `${text(figures[figure])} (${text(difference)})`;
}

export { COLUMNS as SUMMARY_COLUMNS };
