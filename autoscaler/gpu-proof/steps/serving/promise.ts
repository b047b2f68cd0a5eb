import { formatDuration } from '../../../../models/base/units.ts';
import { type LateShare, lateShare } from '../../../../profiler/endpoint/late-share.ts';
import type { LoadReport } from '../../../../profiler/load/report.ts';
import { type Config, formatConfig } from '../../../../profiles/config.ts';
import type { ProfileTable } from '../../../../profiles/table.ts';
import { priceOf } from '../../../cluster/price.ts';
import type { Candidate } from '../../../latency/candidate.ts';
import { ServiceTimes } from '../../../latency/service-times.ts';
import { percentileRateModel } from '../../../planning/capacity/percentile-rates.ts';

export const PERCENTILE = 99;
const LARGEST_BATCH = 1024;
/**
 * The SLO is so many times the tail of a single row, reading its JSON included: room to wait for others, none
 * to dawdle.
 */
const SLO_TAILS = 4;
/** Of what is promised. */
const LOAD_SHARE = 0.8;
/** What one generator and one gateway move of images as JSON without being what is measured. */
const MOST_PER_SECOND = 250;
/** Of each end of what the share of late requests may be. */
const CONFIDENCE = 0.975;

/** A share of a card to serve with, and in which time. */
export interface Service {
  readonly sloMs: number;
  readonly cpuMillicores: number;
  readonly gpuPercent: number;
  /** Cells of that share alone, so that a planner has no other to choose. */
  readonly table: ProfileTable;
}

/** What so many instances are said to carry. */
export interface Promised {
  readonly sloMs: number;
  readonly configs: readonly string[];
  readonly capacityPerSecond: number;
  /** What they are loaded with. */
  readonly ratePerSecond: number;
}

/** How it went. */
export interface Kept {
  readonly late: LateShare;
  readonly isKept: boolean;
  readonly sentence: string;
}

/** The cheapest share that a single row ran on; undefined where none did. */
export function serviceOn(table: ProfileTable): Service | undefined {
  const [cheapest] = candidatesIn(table)
    .filter(({ config }) => config.batch === 1 && config.gpuPercent > 0)
    .sort((a, b) => priceOf(a.config) - priceOf(b.config));
  if (cheapest === undefined) return undefined;
  const { cpuMillicores, gpuPercent } = cheapest.config;
  const cells = table.cells.filter(
    (cell) => cell.cpuMillicores === cpuMillicores && cell.gpuPercent === gpuPercent,
  );
  const sloMs = Math.ceil(SLO_TAILS * cheapest.tailMs);
  return { sloMs, cpuMillicores, gpuPercent, table: { ...table, cells } };
}

/** @param configs of the instances that run */
export function promiseOf({ table, sloMs }: Service, configs: readonly Config[]): Promised {
  const candidates = candidatesIn(table);
  const pool = configs.map(({ batch }) => candidates.find(({ config }) => config.batch === batch)!);
  const slo = { sloMs, percentile: PERCENTILE, arrivalCv: 1 };
  const capacityPerSecond = percentileRateModel.capacityPerSecond(pool, slo);
  return {
    sloMs,
    configs: configs.map(formatConfig),
    capacityPerSecond,
    ratePerSecond: Math.min(MOST_PER_SECOND, LOAD_SHARE * capacityPerSecond),
  };
}

/**
 * Whether a promise was kept under load: it was not where it is beyond doubt that more requests were late
 * than the percentile allows, or where the load was not what it should have been.
 */
export function judge(promised: Promised, report: LoadReport): Kept {
  const stretches = report.seconds.map(({ sent, dropped, late, failed }) => ({
    requests: sent + dropped,
    late: Math.min(sent + dropped, late + failed + dropped),
  }));
  const late = lateShare(stretches, CONFIDENCE);
  const [low, high] = late.interval;
  const p99 = report.latencyMs === null ? 'no answer' : `p99 ${formatDuration(report.latencyMs.p99)}`;
  const { capacityPerSecond, configs } = promised;
  return {
    late,
    isKept: report.keptUp && low <= (100 - PERCENTILE) / 100,
    sentence:
      `${configs.join(' + ')} promised ${capacityPerSecond.toFixed(0)}/s; at ${report.rate.offered.toFixed(0)}/s ${p99}, ` +
      `${percent(late.share)} late (${percent(low)} to ${percent(high)})${report.keptUp ? '' : ', the generator fell behind'}`,
  };
}

function candidatesIn(table: ProfileTable): readonly Candidate[] {
  return new ServiceTimes(table).candidates({ maxBatch: LARGEST_BATCH, percentile: PERCENTILE });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
