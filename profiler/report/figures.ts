import type { ProfileTable } from '../../profiles/table.ts';

/** Three significant digits: what a measurement like this is worth. */
export function short(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return value.toFixed(0);
  return value >= 1 ? value.toPrecision(3) : value.toFixed(value >= 0.1 ? 2 : 3);
}

/** `±3 % at 95 % confidence`. */
export function confidenceOf({ confidence }: Pick<ProfileTable, 'confidence'>): string {
  return `±${Number((confidence.relativeError * 100).toPrecision(3))} % at ${Number((confidence.level * 100).toPrecision(4))} % confidence`;
}

const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * Positive numbers as a row of bars, the smallest lowest and the largest highest, by their logarithms:
 * halving looks alike wherever it happens. A gap where there is no number.
 */
export function sparkline(values: readonly (number | undefined)[]): string {
  const logs = values.map((value) => (value === undefined ? undefined : Math.log(value)));
  const known = logs.filter((value) => value !== undefined);
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  return logs
    .map((value) => {
      if (value === undefined) return ' ';
      return LEVELS[span === 0 ? 0 : Math.round(((value - low) / span) * (LEVELS.length - 1))];
    })
    .join('');
}
