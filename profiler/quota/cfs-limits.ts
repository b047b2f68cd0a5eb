import { InflessError } from '../../models/base/errors.ts';
import { LOCAL_PERIOD_MICROS } from '../../profiles/conditions/period.ts';

/**
 * Ten times shorter than the kernel's default: latency under a fractional quota is then smooth, not bimodal.
 */
export const DEFAULT_PERIOD_MICROS = LOCAL_PERIOD_MICROS;

const MIN_PERIOD_MICROS = 1_000;
const MAX_PERIOD_MICROS = 1_000_000;
/** The kernel refuses a quota of less than this a period. */
const MIN_QUOTA_MICROS = 1_000;

export interface CfsLimits {
  readonly quotaMicros: number;
  readonly periodMicros: number;
}

/**
 * The CFS numbers for an amount of CPU. The period is the preferred one, unless the quota would then be less
 * than the kernel accepts: a small quota gets a longer period rather than more CPU than was asked for.
 */
export function cfsLimits(cpuMillicores: number, preferredPeriodMicros: number): CfsLimits {
  if (!Number.isFinite(cpuMillicores) || cpuMillicores < 1) {
    throw new InflessError('INVALID_INPUT', `A CPU quota of ${cpuMillicores} millicores is not possible`, {
      remedy: 'Give at least 1 millicore.',
    });
  }
  const cores = cpuMillicores / 1000;
  const periodMicros = Math.max(preferredPeriodMicros, Math.ceil(MIN_QUOTA_MICROS / cores));
  return { quotaMicros: Math.max(MIN_QUOTA_MICROS, Math.round(cores * periodMicros)), periodMicros };
}

/** @throws InflessError INVALID_INPUT for a period that the kernel would refuse. */
export function checkPeriodMicros(periodMicros: number): number {
  const valid =
    Number.isInteger(periodMicros) && periodMicros >= MIN_PERIOD_MICROS && periodMicros <= MAX_PERIOD_MICROS;
  if (valid) return periodMicros;
  throw new InflessError('INVALID_INPUT', `A CFS period of ${periodMicros} µs is not possible`, {
    remedy: `Give a whole number from ${MIN_PERIOD_MICROS} to ${MAX_PERIOD_MICROS} µs.`,
  });
}
