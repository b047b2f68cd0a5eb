import { type Command, Option } from 'commander';
import { SLO_PERCENTILES, type Slo, type SloPercentile } from '../../profiles/best-config.ts';
import { parsePositiveMs } from './options.ts';

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
