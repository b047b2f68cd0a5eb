import type { Clock } from '../../models/base/clock.ts';
import type { ArrivalProcess } from '../../profiler/load/arrivals/arrivals.ts';
import { ProfileView } from '../../profiles/lookup.ts';
import type { RequestRecord } from '../simulation/request-log.ts';
import type { Scenario } from '../simulation/scenario.ts';
import { simulate } from '../simulation/simulate.ts';
import { arrivalStream } from '../simulation/streams.ts';
import type { System } from '../simulation/systems/serving-system.ts';
import type { Cluster } from './inputs/cluster.ts';
import type { PlannedFunction } from './inputs/functions.ts';
import { arrivalsOf } from './inputs/load.ts';
import type { Loads } from './inputs/load-options.ts';
import { policyReport } from './report/policy-report.ts';
import type { PolicyReport } from './report/report.ts';
import { recordedSystem } from './series/recorded-system.ts';
import { SeriesRecorder } from './series/series-recorder.ts';
import { type Bins, binsOf } from './series/step-series.ts';

/** What every policy is run with: data, so that another thread may be given it. */
export interface PolicyRun {
  readonly functions: readonly PlannedFunction[];
  readonly cluster: Cluster;
  readonly loads: Loads;
  readonly process: ArrivalProcess;
  /**
   * So long each load's first level comes before anything counts: most plans are not about the first minute.
   */
  readonly warmUpMs: number;
  readonly seed: number;
  /** See {@link Scenario.executionNoiseCv}. */
  readonly executionNoiseCv: number;
  /** See {@link Scenario.meanTimeToFailureMs}. */
  readonly meanTimeToFailureMs?: number;
}

export interface PolicyRunOptions {
  /** Ends the run early: the report is of what has come by then. */
  readonly signal?: AbortSignal;
  /** Given the virtual clock before it starts. */
  readonly onClock?: (clock: Clock) => void;
  /** See {@link SimulateOptions.onRequest}. */
  readonly onRequest?: (record: RequestRecord) => void;
}

/** When a run ends, on its virtual clock. */
export function endMsOf({ warmUpMs, loads }: PolicyRun): number {
  return warmUpMs + loads.durationMs;
}

/** What happens by one policy: its own code runs over a simulated cluster. */
export async function runPolicy(
  policy: System,
  run: PolicyRun,
  { signal, onClock, onRequest }: PolicyRunOptions = {},
): Promise<PolicyReport> {
  const { functions, loads, warmUpMs, cluster } = run;
  const bins = binsOf(warmUpMs, loads.durationMs);
  const views = new Map(functions.map(({ spec, table }) => [spec.name, new ProfileView(table)]));
  const sloMs = new Map(functions.map(({ spec }) => [spec.name, spec.slo]));
  let recorder: SeriesRecorder | undefined;
  const recordedPolicy = recordedSystem(policy, sloMs, (clock) => {
    recorder = newRecorder(clock, bins, views);
    onClock?.(clock);
    return recorder;
  });
  const result = await simulate(scenarioOf(run, bins), recordedPolicy, {
    ...(signal === undefined ? {} : { signal }),
    ...(onRequest === undefined ? {} : { onRequest }),
  });
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

function newRecorder(clock: Clock, bins: Bins, views: ReadonlyMap<string, ProfileView>): SeriesRecorder {
  return new SeriesRecorder(
    [...views.keys()],
    bins,
    () => clock.nowMs(),
    (name, config) => views.get(name)!.memoryBytes(config),
  );
}

/** The scenario of a run, sampled once a bin. */
export function scenarioOf(run: PolicyRun, { binMs }: Bins): Scenario {
  const { functions, cluster, loads, process, warmUpMs, seed, executionNoiseCv } = run;
  return {
    functions: functions.map(({ spec, table }) => ({
      spec,
      table,
      arrivals: arrivalsOf(
        loads.byFunction.get(spec.name)!,
        process,
        warmUpMs,
        arrivalStream(seed, spec.name),
      ),
    })),
    nodes: cluster.nodes,
    ...(cluster.speeds === undefined ? {} : { nodeSpeeds: cluster.speeds }),
    durationMs: warmUpMs + loads.durationMs,
    warmUpMs,
    executionNoiseCv,
    ...(run.meanTimeToFailureMs === undefined ? {} : { meanTimeToFailureMs: run.meanTimeToFailureMs }),
    sampleMs: binMs, // only the recorder's course is looked at
    seed,
  };
}
