import { type Config, formatConfig } from '../../../profiles/config.ts';
import type { ServiceTimes } from '../../latency/service-times.ts';
import { type Forecast, forecastInSteps } from '../capacity/forecast.ts';
import type { Constraint } from '../decision.ts';
import { type ExplainRequest, explain, type InstanceSet, partsText } from './explain.ts';
import { WORTH_TELLING } from './slo-cost.ts';
import type { UniformSet } from './uniform-sets.ts';

/** Why a function gets the config it gets: `GET /api/functions/NAME/explanation`. Shares are in 0…1. */
export interface ExplanationReport {
  readonly name: string;
  readonly sloMs: number;
  readonly percentile: number;
  readonly arrivalCv: number;
  readonly ratePerSecond: number;
  /** The rate with headroom: what capacity is provided for. */
  readonly neededPerSecond: number;
  readonly constraint: Constraint;
  /** The constraint in a sentence, with its figures. */
  readonly why: string;
  /** What it should come to have or, where there is not enough for that, what it gets. */
  readonly chosen: SetReport | null;
  readonly missingPerSecond: number;
  /** The cheapest of another config, and how much more it costs. */
  readonly runnerUp: { readonly set: SetReport; readonly extraShare: number } | null;
  /** The next looser SLO at which another config is the cheapest, and how much less it costs. */
  readonly looser: { readonly sloMs: number; readonly set: SetReport; readonly savedShare: number } | null;
  readonly costOfSlo: readonly { readonly sloMs: number; readonly set: SetReport }[];
  /** Where running stays away from the table, in a sentence; absent where it does not, or nothing runs. */
  readonly tableMismatch?: string;
  /** Configs that run or start now; null where nothing runs because it is only asked "what if". */
  readonly running: readonly RunningConfig[] | null;
}

/** Instances that together carry what is needed. */
export interface SetReport {
  /** All of them: `3 × b4 c1 + 1 × b2 c0.5`. */
  readonly text: string;
  readonly instances: number;
  /** Where there are several configs, the one that carries the most. */
  readonly config: Config;
  readonly configText: string;
  readonly capacityPerSecond: number;
  /** Time of a full batch of that config at the SLO's percentile. */
  readonly batchTailMs: number;
  readonly gflops: number;
  /** Simulated at the expected rate, for the chosen set; null where that is more than it carries. */
  readonly forecast: Forecast | null;
}

export interface RunningConfig {
  readonly configText: string;
  readonly instances: number;
}

export interface ExplanationRequest extends ExplainRequest {
  readonly times: ServiceTimes;
  /** Without headroom. */
  readonly expectedPerSecond: number;
  readonly running: readonly Config[] | null;
}

/**
 * @param pause awaited between the steps of the forecast, see {@link forecastInSteps}; default: none
 * @throws InflessError SLO_INFEASIBLE with the nearest feasible SLO
 */
export async function explanationReport(
  request: ExplanationRequest,
  pause: () => Promise<void> = async () => {},
): Promise<ExplanationReport> {
  const { slo, running } = request;
  const { chosen, runnerUp, looser, costOfSlo, constraint, why, missingPerSecond } = explain(request);
  const savedShare = chosen === undefined || looser === undefined ? 0 : 1 - looser.set.price / chosen.price;
  const isCheaper = looser !== undefined && savedShare >= WORTH_TELLING;
  return {
    name: request.decision.name,
    sloMs: slo.sloMs,
    percentile: slo.percentile,
    arrivalCv: slo.arrivalCv,
    ratePerSecond: request.expectedPerSecond,
    neededPerSecond: request.ratePerSecond,
    constraint,
    why,
    chosen: chosen === undefined ? null : setReport(chosen, await forecastOf(chosen, request, pause)),
    missingPerSecond,
    runnerUp:
      runnerUp === undefined ? null : { set: uniformReport(runnerUp.set), extraShare: runnerUp.extraShare },
    looser: isCheaper ? { sloMs: looser.sloMs, set: uniformReport(looser.set), savedShare } : null,
    costOfSlo: costOfSlo.map(({ sloMs, set }) => ({ sloMs, set: uniformReport(set) })),
    running: running === null ? null : runningConfigs(running),
  };
}

function uniformReport({ candidate, instances, ...rest }: UniformSet): SetReport {
  return setReport({ parts: [{ candidate, instances }], ...rest });
}

function setReport(set: InstanceSet, predicted: Forecast | null = null): SetReport {
  const { parts, capacityPerSecond, price } = set;
  const { config, tailMs } = parts[0]!.candidate;
  return {
    text: partsText(set),
    instances: parts.reduce((sum, { instances }) => sum + instances, 0),
    config,
    configText: formatConfig(config),
    capacityPerSecond,
    batchTailMs: tailMs,
    gflops: price,
    forecast: predicted,
  };
}

/**
 * What the batch former makes of the set: the same simulation as of `GET /api/functions/NAME`. Beyond what it
 * carries the queue would grow for as long as the load lasts, and its latencies say nothing of the set.
 */
async function forecastOf(
  { parts, capacityPerSecond }: InstanceSet,
  request: ExplanationRequest,
  pause: () => Promise<void>,
): Promise<Forecast | null> {
  const { times, slo, expectedPerSecond } = request;
  if (expectedPerSecond > capacityPerSecond) return null;
  const predicted = await forecastInSteps(
    {
      times,
      pool: parts.flatMap(({ candidate, instances }) => Array<Config>(instances).fill(candidate.config)),
      ratePerSecond: expectedPerSecond,
      arrivalCv: slo.arrivalCv,
      sloMs: slo.sloMs,
      percentile: slo.percentile,
    },
    pause,
  );
  return predicted ?? null;
}

function runningConfigs(configs: readonly Config[]): RunningConfig[] {
  const counts = new Map<string, number>();
  for (const config of configs) {
    const text = formatConfig(config);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([configText, instances]) => ({ configText, instances }));
}
