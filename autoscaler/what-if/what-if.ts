import type { Clock } from '../../models/base/clock.ts';
import type { ArrivalProcess } from '../../profiler/load/arrivals/arrivals.ts';
import { ProfileView } from '../../profiles/lookup.ts';
import { DEFAULT_CONTROL_SETTINGS } from '../control/settings.ts';
import { percentileRateModel } from '../planning/capacity/percentile-rates.ts';
import type { RateModel } from '../planning/capacity/rate-model.ts';
import type { Scenario } from '../simulation/scenario.ts';
import { simulate } from '../simulation/simulate.ts';
import type { Policy } from '../simulation/systems/serving-system.ts';
import type { Cluster } from './inputs/cluster.ts';
import type { PlannedFunction } from './inputs/functions.ts';
import { arrivalsOf } from './inputs/load.ts';
import type { Loads } from './inputs/load-options.ts';
import { clusterFacts, functionFacts } from './report/facts.ts';
import { policyReport } from './report/policy-report.ts';
import { type PolicyReport, WHAT_IF_SCHEMA, type WhatIfReport } from './report/report.ts';
import { recorded } from './series/recorded-system.ts';
import { CourseRecorder } from './series/series-recorder.ts';
import { type Bins, binsOf } from './series/step-series.ts';

export interface WhatIfRequest {
  readonly functions: readonly PlannedFunction[];
  readonly cluster: Cluster;
  readonly loads: Loads;
  readonly process: ArrivalProcess;
  /** At least one. */
  readonly policies: readonly Policy[];
  /** So long each load's first level comes before anything counts: most plans are not about the first minute. */
  readonly warmUpMs: number;
  readonly seed: number;
  /** See {@link Scenario.executionNoiseCv}. */
  readonly executionNoiseCv: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: WhatIfProgress) => void;
}

export interface WhatIfProgress {
  readonly policy: string;
  /** Of all policies' runs together, in 0…1. */
  readonly done: number;
  /** Virtual time of this policy's run, and its end. */
  readonly atMs: number;
  readonly endMs: number;
}

/** The policy by which the SLO has to hold. */
const DECIDING_POLICY = 'default';
/** How often progress is told in one run. */
const PROGRESS_STEPS = 1000;

/**
 * What would happen on this cluster under this load, by each policy: the policies' own code runs over a simulated cluster.
 * Where an SLO is infeasible nothing runs, and the report says which is feasible.
 */
export async function whatIf(request: WhatIfRequest): Promise<WhatIfReport> {
  const { functions, cluster, loads, process, warmUpMs, seed, policies, signal } = request;
  const facts = functions.map((planned) =>
    functionFacts({
      planned,
      load: loads.byFunction.get(planned.spec.name)!,
      durationMs: loads.durationMs,
      process,
      rates: DEFAULT_RATES,
      headroom: DEFAULT_CONTROL_SETTINGS.headroom,
      prices: cluster.prices,
    }),
  );
  const isFeasible = facts.every(({ feasible }) => feasible);
  const reports: Record<string, PolicyReport> = {};
  for (const [index, policy] of policies.entries()) {
    if (!isFeasible || signal?.aborted) break;
    reports[policy.name] = await runPolicy(policy, index, request);
  }
  const deciding = (policies.find(({ name }) => name === DECIDING_POLICY) ?? policies[0]!).name;
  return {
    schema: WHAT_IF_SCHEMA,
    cluster: clusterFacts(cluster),
    load: { durationMs: loads.durationMs, warmUpMs, process, seed },
    functions: facts,
    notes: functions.flatMap(({ notes }) => notes),
    policies: reports,
    verdict: { policy: deciding, met: reports[deciding]?.met ?? false },
    interrupted: signal?.aborted ?? false,
  };
}

/** What capacity means to the default policy. */
const DEFAULT_RATES: RateModel = percentileRateModel;

async function runPolicy(policy: Policy, index: number, request: WhatIfRequest): Promise<PolicyReport> {
  const { functions, loads, warmUpMs, cluster, signal } = request;
  const bins = binsOf(warmUpMs, loads.durationMs);
  const views = new Map(functions.map(({ spec, table }) => [spec.name, new ProfileView(table)]));
  const sloMs = new Map(functions.map(({ spec }) => [spec.name, spec.slo]));
  let recorder: CourseRecorder | undefined;
  const recordedPolicy = recorded(policy, sloMs, (clock) => {
    recorder = newRecorder(clock, bins, views);
    tellProgress(clock, policy.name, index, request);
    return recorder;
  });
  const result = await simulate(
    scenarioOf(request, bins),
    recordedPolicy,
    signal === undefined ? {} : { signal },
  );
  return policyReport({
    description: policy.description,
    result,
    recorder: recorder!,
    bins,
    functions,
    prices: cluster.prices,
    interrupted: signal?.aborted === true && result.measuredMs < loads.durationMs,
  });
}

function newRecorder(clock: Clock, bins: Bins, views: ReadonlyMap<string, ProfileView>): CourseRecorder {
  return new CourseRecorder(
    [...views.keys()],
    bins,
    () => clock.nowMs(),
    (name, config) => views.get(name)!.memoryBytes(config),
  );
}

function scenarioOf(request: WhatIfRequest, { binMs }: Bins): Scenario {
  const { functions, cluster, loads, process, warmUpMs, seed, executionNoiseCv } = request;
  return {
    functions: functions.map(({ spec, table }, index) => ({
      spec,
      table,
      arrivals: arrivalsOf(loads.byFunction.get(spec.name)!, process, warmUpMs, seed + index),
    })),
    nodes: cluster.nodes,
    durationMs: warmUpMs + loads.durationMs,
    warmUpMs,
    executionNoiseCv,
    sampleMs: binMs, // only the recorder's course is looked at
    seed,
  };
}

function tellProgress(clock: Clock, policy: string, index: number, request: WhatIfRequest): void {
  const { onProgress, loads, warmUpMs, policies } = request;
  if (onProgress === undefined) return;
  const endMs = warmUpMs + loads.durationMs;
  const next = (atMs: number): void => {
    if (atMs > endMs) return;
    clock.at(atMs, () => {
      onProgress({ policy, done: (index + atMs / endMs) / policies.length, atMs, endMs });
      next(atMs + endMs / PROGRESS_STEPS);
    });
  };
  next(0);
}
