import type { ProfileTable } from '../../../profiles/table.ts';
import type { Cluster } from '../inputs/cluster.ts';
import { requireSelectable } from '../inputs/cluster.ts';
import { readCluster } from '../inputs/cluster-file.ts';
import { type PlannedFunction, readPlannedFunctions } from '../inputs/functions.ts';
import { type Loads, readLoads } from '../inputs/load-options.ts';
import { isPolicyFile, type OwnPolicyFile, policyFile } from '../own-policies/own-policy.ts';
import type { PolicyRun } from '../run-policy.ts';
import type { Grid } from './grid-file.ts';

/** What differs between the runs of a grid; null where the grid does not say. */
export interface Setting {
  readonly cluster: string;
  readonly load: string;
  readonly sloMs: number | null;
  readonly startupMs: number | null;
  readonly cv: number;
  readonly noise: number;
  readonly mttfMs: number | null;
}

/** One run: a policy at a setting and a seed. */
export interface ExperimentRun {
  readonly policy: string;
  readonly seed: number;
  readonly setting: Setting;
}

/** All that runs are made of, read once. Data, so that other threads may be given it. */
export interface PreparedGrid {
  readonly warmUpMs: number;
  readonly policies: ReadonlyMap<string, string | OwnPolicyFile>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly loads: ReadonlyMap<string, Loads>;
  /** By start-up time. */
  readonly functions: ReadonlyMap<number | null, readonly PlannedFunction[]>;
  readonly notes: readonly string[];
}

/** @throws InflessError INVALID_INPUT and what reading functions and tables throws */
export async function prepareGrid(grid: Grid): Promise<PreparedGrid> {
  const clusters = new Map<string, Cluster>();
  for (const file of grid.cluster) clusters.set(nameOf(file), await readCluster(file));
  const functions = new Map<number | null, readonly PlannedFunction[]>();
  const executionNoiseCv = Math.max(...grid.noise);
  for (const startupMs of grid.startup ?? [null]) {
    functions.set(
      startupMs,
      await readPlannedFunctions(grid.functions, {
        ...(startupMs === null ? {} : { startupMs }),
        executionNoiseCv,
      }),
    );
  }
  const [planned] = functions.values();
  const names = planned!.map(({ spec }) => spec.name);
  for (const cluster of clusters.values()) requireSelectable(cluster, planned!);
  const loads = new Map<string, Loads>();
  for (const [index, load] of grid.load.entries()) {
    const options = {
      ...load,
      traceFormat: load['trace-format'],
      'from-journal': [],
      duration: grid.duration,
    };
    loads.set(loadName(load, index), await readLoads(names, options));
  }
  return {
    warmUpMs: grid['warm-up'],
    policies: new Map(
      grid.policies.map((given) => [policyName(given), isPolicyFile(given) ? policyFile(given) : given]),
    ),
    clusters,
    loads,
    functions,
    notes: [...new Set([...functions.values()].flat().flatMap(({ notes }) => notes))],
  };
}

/** The runs of a grid, in its order: settings, then policies, then seeds. */
export function runsOf(grid: Grid): ExperimentRun[] {
  const settings = grid.cluster.flatMap((cluster) =>
    grid.load.flatMap((load, index) =>
      (grid.slo ?? [null]).flatMap((sloMs) =>
        (grid.startup ?? [null]).flatMap((startupMs) =>
          grid.cv.flatMap((cv) =>
            grid.noise.flatMap((noise) =>
              (grid.mttf ?? [null]).map(
                (mttfMs): Setting => ({
                  cluster: nameOf(cluster),
                  load: loadName(load, index),
                  sloMs,
                  startupMs,
                  cv,
                  noise,
                  mttfMs,
                }),
              ),
            ),
          ),
        ),
      ),
    ),
  );
  return settings.flatMap((setting) =>
    grid.policies.flatMap((policy) =>
      grid.seeds.map((seed) => ({ policy: policyName(policy), seed, setting })),
    ),
  );
}

/** What {@link simulate} is given for a run. */
export function policyRunOf({ setting, seed }: ExperimentRun, prepared: PreparedGrid): PolicyRun {
  const { sloMs, startupMs, cv, noise, mttfMs } = setting;
  const functions = prepared.functions.get(startupMs)!;
  return {
    functions: sloMs === null ? functions : functions.map((each) => withSlo(each, sloMs)),
    cluster: prepared.clusters.get(setting.cluster)!,
    loads: prepared.loads.get(setting.load)!,
    process: cv === 1 ? { type: 'poisson' } : { type: 'gamma', cv },
    warmUpMs: prepared.warmUpMs,
    seed,
    executionNoiseCv: noise,
    ...(mttfMs === null ? {} : { meanTimeToFailureMs: mttfMs }),
  };
}

function withSlo(planned: PlannedFunction, slo: number): PlannedFunction {
  const table: ProfileTable = planned.table;
  return { ...planned, spec: { ...planned.spec, slo }, table };
}

export function policyName(given: string): string {
  return isPolicyFile(given) ? policyFile(given).name : given;
}

/** A file by its name without folder and ending. */
function nameOf(file: string): string {
  return file.replace(/^.*[/\\]/, '').replace(/\.[^.]+$/, '');
}

/** As it is named, or by what it says. */
function loadName({ name, rate, ramp, trace, azure, scale }: Grid['load'][number], index: number): string {
  if (name !== undefined) return name;
  const sources = [...rate, ...ramp, ...[...trace, ...azure].map(nameOf)];
  return sources.length === 0
    ? `load ${index + 1}`
    : `${sources.join(' ')}${scale === 1 ? '' : ` × ${scale}`}`;
}
