import type { Clock } from '../../models/base/clock.ts';
import { DEFAULT_CONTROL_SETTINGS } from '../control/settings.ts';
import { percentileRateModel } from '../planning/capacity/percentile-rates.ts';
import type { RateModel } from '../planning/capacity/rate-model.ts';
import type { RequestRecord } from '../simulation/request-log.ts';
import type { System } from '../simulation/systems/serving-system.ts';
import type { OwnPolicyFile } from './own-policies/own-policy.ts';
import { OwnPolicyFailure, runOwnPolicy } from './own-policies/run-own-policy.ts';
import { clusterFacts, functionFacts } from './report/facts.ts';
import { type PolicyReport, WHAT_IF_SCHEMA, type WhatIfReport } from './report/report.ts';
import { endMsOf, type PolicyRun, runPolicy } from './run-policy.ts';

export interface WhatIfRequest extends PolicyRun {
  /** Ours, and files with others; at least one. */
  readonly policies: readonly (System | OwnPolicyFile)[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: WhatIfProgress) => void;
  /** Told of every request, by our policies; those of users run in threads of their own. */
  readonly onRequest?: (policy: string, record: RequestRecord) => void;
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
 * What would happen on this cluster under this load, by each policy: the policies' own code runs over a
 * simulated cluster. Where an SLO is infeasible nothing runs, and the report says which is feasible. A policy
 * of the user's that fails is left out, and the report says why.
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
  const leftOut: string[] = [];
  for (const [index, policy] of policies.entries()) {
    if (!isFeasible || signal?.aborted) break;
    try {
      reports[policy.name] = await run(policy, index, request);
    } catch (error) {
      if (!(error instanceof OwnPolicyFailure)) throw error;
      leftOut.push(error.message);
    }
  }
  const deciding = decidingOf(policies, reports);
  return {
    schema: WHAT_IF_SCHEMA,
    cluster: clusterFacts(cluster),
    load: { durationMs: loads.durationMs, warmUpMs, process, seed },
    functions: facts,
    notes: [...functions.flatMap(({ notes }) => notes), ...leftOut],
    policies: reports,
    verdict: { policy: deciding, met: reports[deciding]?.met ?? false },
    interrupted: signal?.aborted ?? false,
  };
}

/** What capacity means to the default policy. */
const DEFAULT_RATES: RateModel = percentileRateModel;

/** Another one only where that has failed. */
function decidingOf(
  policies: readonly { readonly name: string }[],
  reports: Readonly<Record<string, PolicyReport>>,
): string {
  const names = policies.map(({ name }) => name);
  const inOrder = names.includes(DECIDING_POLICY) ? [DECIDING_POLICY, ...names] : names;
  return inOrder.find((name) => name in reports) ?? inOrder[0]!;
}

function run(policy: System | OwnPolicyFile, index: number, request: WhatIfRequest): Promise<PolicyReport> {
  const { functions, cluster, loads, process, warmUpMs, seed, executionNoiseCv, signal } = request;
  const { meanTimeToFailureMs, onRequest } = request;
  const what: PolicyRun = {
    functions,
    cluster,
    loads,
    process,
    warmUpMs,
    seed,
    executionNoiseCv,
    ...(meanTimeToFailureMs === undefined ? {} : { meanTimeToFailureMs }),
  };
  const { onProgress, policies } = request;
  const endMs = endMsOf(what);
  const tell = (atMs: number): void =>
    onProgress?.({ policy: policy.name, done: (index + atMs / endMs) / policies.length, atMs, endMs });
  const ending = signal === undefined ? {} : { signal };
  if ('file' in policy) return runOwnPolicy(policy, what, { ...ending, onProgress: tell });
  const onClock = (clock: Clock): void => tellSteps(clock, endMs, tell);
  return runPolicy(policy, what, {
    ...ending,
    ...(onProgress === undefined ? {} : { onClock }),
    ...(onRequest === undefined ? {} : { onRequest: (record) => onRequest(policy.name, record) }),
  });
}

function tellSteps(clock: Clock, endMs: number, tell: (atMs: number) => void): void {
  const next = (atMs: number): void => {
    if (atMs > endMs) return;
    clock.at(atMs, () => {
      tell(atMs);
      next(atMs + endMs / PROGRESS_STEPS);
    });
  };
  next(0);
}
