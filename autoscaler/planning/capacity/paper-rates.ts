import type { Candidate } from '../../latency/candidate.ts';
import type { RateModel, SloUnderLoad } from './rate-model.ts';

/** The band of rates a config is meant for, in requests per second. */
export interface RateBand {
  readonly lowPerSecond: number;
  readonly highPerSecond: number;
}

/**
 * The paper's rates of one config (INFless, ASPLOS'22, §4.2), with execution time `t` and SLO `T` in seconds:
 * `r_up = ⌊1/t⌋·b` and `r_low = ⌈1/(T−t)⌉·b`, for b = 1 `r_low = 0`. Where `t` exceeds a second the floor
 * would leave nothing, so there the quotient itself stands. Undefined when the config cannot keep the SLO.
 */
export function paperRateBand(candidate: Candidate, sloMs: number): RateBand | undefined {
  const { batch } = candidate.config;
  const executionMs = candidate.tailMs;
  if (!isFeasible(candidate, sloMs)) return undefined;
  const perSecond = 1000 / executionMs;
  const highPerSecond = (perSecond >= 1 ? Math.floor(perSecond) : perSecond) * batch;
  const lowPerSecond = batch === 1 ? 0 : Math.ceil(1000 / (sloMs - executionMs)) * batch;
  return { lowPerSecond, highPerSecond };
}

/** `t ≤ T` alone; in a batch, which has to fill while the one before runs, `t ≤ T/2`. */
function isFeasible(candidate: Candidate, sloMs: number): boolean {
  return candidate.tailMs <= (candidate.config.batch === 1 ? sloMs : sloMs / 2);
}

/** Where a rate stands in a set's band, and what the paper's dispatcher does about it. */
export type BandDecision = 'scale-out' | 'keep' | 'release';

const ALPHA = 0.8;

/** The dispatch band: above `R_max` scale out, down to `R_min + α(R_max − R_min)` keep, below release. */
export function bandDecision(ratePerSecond: number, bands: readonly RateBand[], alpha = ALPHA): BandDecision {
  const { lowPerSecond, highPerSecond } = sumOf(bands);
  if (ratePerSecond > highPerSecond) return 'scale-out';
  return ratePerSecond >= lowPerSecond + alpha * (highPerSecond - lowPerSecond) ? 'keep' : 'release';
}

/**
 * Each instance's part of a rate in the band:
 * `r_i = r_up − (R_max − R)/(R_max − R_min)·(r_up − r_low)`.
 */
export function shareRates(ratePerSecond: number, bands: readonly RateBand[]): number[] {
  const total = sumOf(bands);
  const width = total.highPerSecond - total.lowPerSecond;
  const short = width === 0 ? 0 : (total.highPerSecond - ratePerSecond) / width;
  return bands.map((band) => band.highPerSecond - short * (band.highPerSecond - band.lowPerSecond));
}

/** Arrivals as a fluid: capacities add up, whatever the percentile and however bursty the load. */
export const paperRateModel: RateModel = {
  name: 'infless',
  feasible: (candidate, slo) => isFeasible(candidate, slo.sloMs),
  sharesOf(candidate, slo) {
    const share = paperRateBand(candidate, slo.sloMs)?.highPerSecond ?? 0;
    return () => share;
  },
  capacityPerSecond: (pool, slo) => sumOf(bandsOf(pool, slo)).highPerSecond,
  worthStarting(candidate, missingPerSecond, slo) {
    const band = paperRateBand(candidate, slo.sloMs);
    return band !== undefined && missingPerSecond >= band.lowPerSecond;
  },
};

function bandsOf(pool: readonly Candidate[], slo: SloUnderLoad): RateBand[] {
  return pool.map((candidate) => paperRateBand(candidate, slo.sloMs)).filter((band) => band !== undefined);
}

function sumOf(bands: readonly RateBand[]): RateBand {
  return bands.reduce(
    (sum, band) => ({
      lowPerSecond: sum.lowPerSecond + band.lowPerSecond,
      highPerSecond: sum.highPerSecond + band.highPerSecond,
    }),
    { lowPerSecond: 0, highPerSecond: 0 },
  );
}
