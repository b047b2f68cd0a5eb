import type { ProfileTable } from '../../profiles/table.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import type { Deployment } from '../functions/deployment.ts';
import { type FunctionSpec, modelReference } from '../functions/spec.ts';

/** A function of a simulation: what is declared, how fast it is, and who calls it when. */
export interface SimulatedFunction {
  readonly spec: FunctionSpec;
  readonly table: ProfileTable;
  /** In ms from the start, ascending. Read once, as time passes: it may be endless, or a file. */
  readonly arrivals: Iterable<number>;
}

export interface Scenario {
  readonly functions: readonly SimulatedFunction[];
  readonly nodes: readonly NodeCapacity[];
  /** How fast batches run on a node, by its name, relative to the tables. Default: 1. */
  readonly nodeSpeeds?: ReadonlyMap<string, number>;
  /** Arrivals after this are not sent; what has arrived is still answered. */
  readonly durationMs: number;
  /** Until then nothing counts: instances start, measured rates fill. Default: 0. */
  readonly warmUpMs?: number;
  /**
   * How much longer or shorter than tabulated a batch may take: the coefficient of variation of a log-normal
   * factor of mean 1. Default: 0, the table's own distribution alone.
   */
  readonly executionNoiseCv?: number;
  /** Instances crash at random, each after this long on average. Default: never. */
  readonly meanTimeToFailureMs?: number;
  /**
   * How often the timeline looks at the run. Default: once a second; in long runs of many functions more
   * seldom.
   */
  readonly sampleMs?: number;
  /** Of all but the arrivals, see `streams.ts`; those are drawn by whoever makes the scenario. Default: 1. */
  readonly seed?: number;
}

/** The function as the controller deploys it; its model is never opened. */
export function deploymentOf({ spec, table }: SimulatedFunction): Deployment {
  const path = modelReference(spec);
  return {
    spec,
    model: { path, manifest: table.model },
    profile: { file: spec.profile ?? '', table },
    maxBatch: spec.maxBatch ?? Number.MAX_SAFE_INTEGER,
    workload: {
      version: table.model.digest,
      model: path,
      modelName: spec.name,
      sloMs: spec.slo,
      environment: {},
      secrets: [],
    },
    warnings: [],
  };
}
