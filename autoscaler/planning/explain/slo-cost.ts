import { configKey } from '../../../profiles/config.ts';
import { nearestFeasibleSloMs } from '../capacity/feasibility.ts';
import { type Need, setsByPrice, type UniformSet } from './uniform-sets.ts';

/** What it costs to keep one SLO. */
export interface SloCost {
  readonly sloMs: number;
  /** The cheapest set that keeps it. */
  readonly set: UniformSet;
}

/** So many times the slowest config's tail: an SLO that rules out nothing. */
const LOOSE = 20;
/** From one SLO of the curve to the next. */
const CURVE_STEP = 1.08;
/** The same where a change of config is looked for. */
const SEARCH_STEP = 1.02;
/**
 * Close to the tightest SLO the price grows steeply: between that one and prices below this multiple no one
 * wants to be.
 */
const STEEPEST = 20;
/** Differences below this share are none worth telling. */
export const WORTH_TELLING = 0.005;

/** The cheapest set that keeps an SLO other than the need's own; undefined where none does. */
export function cheapestAt(need: Need, sloMs: number): UniformSet | undefined {
  return setsByPrice({ ...need, slo: { ...need.slo, sloMs } })[0];
}

/** An SLO so loose that it rules out nothing. */
export function looseSloMs({ candidates, slo }: Need): number {
  return Math.max(slo.sloMs, LOOSE * Math.max(...candidates.map(({ tailMs }) => tailMs)));
}

/**
 * What the SLO costs: the cheapest set at each of a row of SLOs, from the tightest that can be kept to where
 * a looser one saves nothing any more. The need's own SLO is among them, if it can be kept.
 */
export function costOfSlo(need: Need): SloCost[] {
  const tightestMs = nearestFeasibleSloMs(need.candidates, need.slo, need.rates);
  if (tightestMs === undefined) return [];
  const loosestMs = looseSloMs(need);
  const floor = cheapestAt(need, loosestMs)?.price ?? 0;
  const slosMs = new Set([need.slo.sloMs]);
  for (
    let sloMs = tightestMs;
    sloMs < loosestMs;
    sloMs = Math.max(sloMs + 1, Math.round(sloMs * CURVE_STEP))
  ) {
    slosMs.add(sloMs);
  }
  const curve: SloCost[] = [];
  for (const sloMs of [...slosMs].sort((a, b) => a - b)) {
    const set = cheapestAt(need, sloMs);
    const isWanted = sloMs === need.slo.sloMs || sloMs === tightestMs;
    if (set === undefined || (set.price > STEEPEST * floor && !isWanted)) continue;
    curve.push({ sloMs, set });
    if (sloMs >= need.slo.sloMs && set.price <= floor * (1 + WORTH_TELLING)) break;
  }
  return curve;
}

/**
 * The next looser SLO, in whole ms, at which another config is the cheapest and it costs less than now;
 * undefined where there is none, or the need's own SLO cannot be kept.
 */
export function nextCheaperSlo(need: Need): SloCost | undefined {
  const now = setsByPrice(need)[0];
  if (now === undefined) return undefined;
  const differs = (sloMs: number): UniformSet | undefined => {
    const set = cheapestAt(need, sloMs);
    const isOther = set !== undefined && configKey(set.candidate.config) !== configKey(now.candidate.config);
    return isOther && set.price < now.price * (1 - WORTH_TELLING) ? set : undefined;
  };
  const loosestMs = looseSloMs(need);
  let low = need.slo.sloMs;
  for (;;) {
    if (low >= loosestMs) return undefined;
    const high = Math.max(low + 1, low * SEARCH_STEP);
    if (differs(high) !== undefined) return tightestBetween(low, high, differs);
    low = high;
  }
}

function tightestBetween(
  fromMs: number,
  toMs: number,
  differs: (sloMs: number) => UniformSet | undefined,
): SloCost | undefined {
  let low = Math.floor(fromMs);
  let high = Math.ceil(toMs);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (differs(middle) === undefined) low = middle;
    else high = middle;
  }
  const set = differs(high);
  return set === undefined ? undefined : { sloMs: high, set };
}
