import { formatConfig } from '../../../../profiles/config.ts';
import type { ProfileTable } from '../../../../profiles/table.ts';
import { GFLOPS_PER_CORE, GFLOPS_PER_GPU_PERCENT } from '../../../cluster/price.ts';
import { ServiceTimes } from '../../../latency/service-times.ts';
import { percentileRateModel } from '../../../planning/capacity/percentile-rates.ts';
import { setsByPrice, type UniformSet } from '../../../planning/explain/uniform-sets.ts';

const PERCENTILE = 99;
const LARGEST_BATCH = 1024;
export const HIGHEST_PER_SECOND = 20_000;
/** From one rate to the next. */
const STEP = 1.25;

/** What a whole card costs, in cores, by the planner's prices. */
export const CARD_PRICE_CORES = (100 * GFLOPS_PER_GPU_PERCENT) / GFLOPS_PER_CORE;

/** Cheapest sets of equal instances for one rate. */
interface SetsAt {
  readonly ratePerSecond: number;
  readonly cores: UniformSet | undefined;
  readonly shares: UniformSet | undefined;
  /**
   * What a whole card might cost at most, in cores, for a share of it to be as cheap as cores alone;
   * undefined where only one of them keeps the SLO. Below zero where the share would not be worth its price
   * were it free: its instances have as many cores beside it.
   */
  readonly worthCores: number | undefined;
}

/** Cores against shares of a card for one SLO, at rising rates. */
export interface Comparison {
  readonly sloMs: number;
  readonly rates: readonly SetsAt[];
}

export function compareByPrice(table: ProfileTable, sloMs: number): Comparison {
  const candidates = new ServiceTimes(table).candidates({ maxBatch: LARGEST_BATCH, percentile: PERCENTILE });
  const slo = { sloMs, percentile: PERCENTILE, arrivalCv: 1 };
  const rates: SetsAt[] = [];
  for (let ratePerSecond = 1; ratePerSecond <= HIGHEST_PER_SECOND; ratePerSecond *= STEP) {
    const sets = setsByPrice({ candidates, slo, rates: percentileRateModel, ratePerSecond, fewest: 1 });
    const cores = sets.find(({ candidate }) => candidate.config.gpuPercent === 0);
    const onCard = sets.filter(({ candidate }) => candidate.config.gpuPercent > 0);
    const worths = cores === undefined ? [] : onCard.map((set) => worthOf(set, cores));
    rates.push({
      ratePerSecond,
      cores,
      shares: onCard[0],
      worthCores: worths.length === 0 ? undefined : Math.max(...worths),
    });
  }
  return { sloMs, rates };
}

/** The same model as it would be, were its input read in no time: tensors as bytes, not as JSON. */
export function withoutCodec(table: ProfileTable): ProfileTable {
  return {
    ...table,
    cells: table.cells.map((cell) => ({ ...cell, codecMs: { decode: 0, encode: 0 }, transferMs: 0 })),
  };
}

/**
 * From which rate on a share is cheaper, or that it never is, and what a card is worth where it is worth
 * most.
 */
export function describe({ rates }: Comparison): string {
  if (rates.every(({ cores, shares }) => cores === undefined && shares === undefined))
    return 'no config keeps it';
  const turn = rates.find(
    ({ cores, shares }) => shares !== undefined && !(priceOf(cores) <= priceOf(shares)),
  );
  const best = rates.reduce<SetsAt | undefined>(
    (most, each) => ((each.worthCores ?? -Infinity) > (most?.worthCores ?? -Infinity) ? each : most),
    undefined,
  );
  const worth =
    best?.worthCores === undefined
      ? ''
      : `, a card is worth ${formatCores(best.worthCores)} (at ${best.ratePerSecond.toFixed(0)}/s)`;
  if (turn === undefined) return `cores are cheaper up to ${HIGHEST_PER_SECOND}/s${worth}`;
  const before = turn.cores === undefined ? 'which cores alone cannot' : `before ${formatSet(turn.cores)}`;
  return `${formatSet(turn.shares!)} from ${turn.ratePerSecond.toFixed(0)}/s on, ${before}${worth}`;
}

export function formatSet({ instances, candidate }: UniformSet): string {
  return `${instances} × ${formatConfig(candidate.config)}`;
}

function formatCores(cores: number): string {
  return `${cores < 10 ? cores.toFixed(1) : cores.toFixed(0)} cores`;
}

function priceOf(set: UniformSet | undefined): number {
  return set?.price ?? Number.POSITIVE_INFINITY;
}

function worthOf(share: UniformSet, cores: UniformSet): number {
  const coresOf = ({ instances, candidate }: UniformSet): number =>
    (instances * candidate.config.cpuMillicores) / 1000;
  const cards = (share.instances * share.candidate.config.gpuPercent) / 100;
  return (coresOf(cores) - coresOf(share)) / cards;
}
