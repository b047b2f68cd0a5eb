import { option, type Values } from '../../models/base/command-line/option-table.ts';
import { oneOf } from '../../models/base/command-line/parsers.ts';
import { InflessError } from '../../models/base/errors.ts';
import { parseDurationMs } from '../../models/base/units.ts';
import { SLO_PERCENTILES, type Slo, type SloPercentile } from '../../profiles/best-config.ts';

/** Reads `95`, `95%` or `2.5 %` as a share of one, within bounds given in percent. */
export function parsePercent(text: string, option: string, least: number, most: number): number {
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text.trim());
  const percent = match === null ? Number.NaN : Number(match[1]);
  if (!(percent >= least && percent <= most)) {
    throw new InflessError(
      'INVALID_INPUT',
      `${option} "${text}" is not a percentage from ${least} to ${most}`,
      {
        remedy: `Write a number, like ${option} 5%.`,
      },
    );
  }
  return percent / 100;
}

/** A whole number from 0 up. */
export function parseCount(text: string, option: string): number {
  if (/^\d{1,6}$/.test(text.trim())) return Number(text);
  throw new InflessError('INVALID_INPUT', `${option} "${text}" is not a number of cells`, {
    remedy: `Write a whole number, like ${option} 3.`,
  });
}

/** A duration that is not zero. */
export function parsePositiveMs(text: string, option: string): number {
  const durationMs = parseDurationMs(text, option);
  if (durationMs > 0) return durationMs;
  throw new InflessError('INVALID_INPUT', `${option} must be longer than ${text}`);
}

/** @param help what the SLO is for */
export function sloOptions(help: string, group?: string) {
  const row = group === undefined ? {} : { group };
  return {
    slo: option({ flag: '--slo <duration>', parse: parsePositiveMs, ...row, help }),
    percentile: option({
      flag: '--percentile <percentile>',
      parse: oneOf(SLO_PERCENTILES.map(String)),
      default: '99',
      ...row,
      help: 'which percentile the SLO is about',
    }),
  };
}

export function readSlo({ slo, percentile }: Values<ReturnType<typeof sloOptions>>): Slo | undefined {
  return slo === undefined ? undefined : { sloMs: slo, percentile: Number(percentile) as SloPercentile };
}
