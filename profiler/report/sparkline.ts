const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * Positive numbers as a row of bars, the smallest lowest and the largest highest, by their logarithms: halving looks alike
 * wherever it happens. A gap where there is no number.
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
