import { type Command, Option } from 'commander';
import { InflessError } from '../../models/base/errors.ts';
import { parseDurationMs } from '../../models/base/units.ts';
import { SLO_PERCENTILES, type Slo, type SloPercentile } from '../../profiles/best-config.ts';
import type { InputShapes } from '../cell/cell-protocol.ts';

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

/** Reads `input=1,3,640,640`, added to the shapes given before. */
export function parseShape(text: string, earlier: InputShapes = {}): InputShapes {
  const split = text.lastIndexOf('='); // an input's name may hold one, a shape does not
  const sizes = text
    .slice(split + 1)
    .split(',')
    .map((size) => size.trim());
  if (split < 1 || !sizes.every((size) => /^[1-9]\d*$/.test(size))) {
    throw new InflessError('INVALID_INPUT', `--shape "${text}" is not the shape of an input`, {
      remedy: 'Write the name of the input and its sizes, like --shape images=1,3,640,640.',
    });
  }
  return { ...earlier, [text.slice(0, split)]: sizes.map(Number) };
}

export interface SloOptions {
  readonly slo?: number;
  /** One of the choices, as text. */
  readonly percentile: string;
}

/** @param purpose what the SLO is for, as the help tells it */
export function sloOptionsOn(command: Command, purpose: string): Command {
  return command
    .option('--slo <duration>', purpose, (text) => parsePositiveMs(text, '--slo'))
    .addOption(
      new Option('--percentile <percentile>', 'which percentile the SLO is about')
        .choices(SLO_PERCENTILES.map(String))
        .default('99'),
    );
}

export function readSlo({ slo, percentile }: SloOptions): Slo | undefined {
  return slo === undefined ? undefined : { sloMs: slo, percentile: Number(percentile) as SloPercentile };
}
