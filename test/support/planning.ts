import type { StartAction, StopAction } from '../../autoscaler/cluster/actions.ts';
import type { NodeCapacity } from '../../autoscaler/cluster/node.ts';
import type {
  ClusterSnapshot,
  PlacedInstance,
  TerminatingInstance,
} from '../../autoscaler/cluster/snapshot.ts';
import type { Candidate } from '../../autoscaler/latency/candidate.ts';
import type { RateModel } from '../../autoscaler/planning/capacity/rate-model.ts';
import {
  type FunctionDemand,
  type Planner,
  type ScalingDecision,
  type Shortage,
  shortagesOf,
  startsOf,
  stopsOf,
} from '../../autoscaler/planning/decision.ts';
import { planCluster } from '../../autoscaler/planning/planner.ts';
import { type Holding, NodeResources } from '../../autoscaler/simulation/cluster/node-resources.ts';
import { configKey } from '../../profiles/config.ts';
import { type FlatNode, needsOf, nodeCapacity } from './resources.ts';

const MEMORY_BYTES = 100e6;

export function candidate(
  batch: number,
  cpuMillicores: number,
  meanMs: number,
  change: Partial<Candidate> & {
    gpuPercent?: number;
    memoryBytes?: number;
    gpuMemoryBytes?: number;
  } = {},
): Candidate {
  const { gpuPercent = 0, memoryBytes = MEMORY_BYTES, gpuMemoryBytes = 0, ...rest } = change;
  const config = { batch, cpuMillicores, gpuPercent };
  return {
    config,
    meanMs,
    tailMs: meanMs,
    needs: needsOf(config, memoryBytes, gpuMemoryBytes),
    startupMs: 1000,
    ...rest,
  };
}

/** A table as real ones are: more CPU makes batches quicker, larger batches carry more and take longer. */
export const CANDIDATES: readonly Candidate[] = [500, 1000, 2000].flatMap((cpuMillicores) =>
  [1, 2, 4, 8].map((batch) => {
    const meanMs = ((10 + 6 * batch) * 1000) / cpuMillicores;
    return candidate(batch, cpuMillicores, meanMs, { tailMs: meanMs * 1.3 });
  }),
);

export function demand(
  name: string,
  ratePerSecond: number,
  change: Partial<FunctionDemand> = {},
): FunctionDemand {
  return {
    name,
    sloMs: 200,
    percentile: 99,
    ratePerSecond,
    recentRatePerSecond: ratePerSecond,
    arrivalCv: 1,
    minInstances: 0,
    warmInstances: 0,
    maxInstances: 100,
    candidates: CANDIDATES,
    ...change,
  };
}

export function node(name: string, cores: number, change: Partial<FlatNode> = {}): NodeCapacity {
  return nodeCapacity({ name, cpuMillicores: cores * 1000, memoryBytes: 64e9, gpuPercents: [], ...change });
}

/** A decision, taken apart. */
export interface Made {
  readonly decision: ScalingDecision;
  readonly start: readonly StartAction[];
  readonly stop: readonly StopAction[];
  readonly short: readonly Shortage[];
}

interface Running extends PlacedInstance {
  readonly holding: Holding;
}

/** Nodes on which plans are carried out; it refuses, by throwing, any plan that over-allocates one. */
export class PlannedCluster {
  readonly #nodes: ReadonlyMap<string, NodeResources>;
  readonly #rates: RateModel;
  readonly #planner: Planner;
  #instances: Running[] = [];
  #leaving: (TerminatingInstance & { readonly holding: Holding })[] = [];
  #started = 0;

  constructor(nodes: readonly NodeCapacity[], rates: RateModel, planner: Planner = planCluster) {
    this.#nodes = new Map(nodes.map((each) => [each.name, new NodeResources(each)]));
    this.#rates = rates;
    this.#planner = planner;
  }

  get snapshot(): ClusterSnapshot {
    const nodes = [...this.#nodes.values()].map(({ capacity }) => capacity);
    return { nodes, instances: [...this.#instances], leaving: [...this.#leaving] };
  }

  instancesOf(name: string): readonly PlacedInstance[] {
    return this.#instances.filter(({ functionName }) => functionName === name);
  }

  /** What a function's ready instances carry, or all of them. */
  capacityOf(demanded: FunctionDemand, { readyOnly = false } = {}): number {
    const { candidates, sloMs, percentile, arrivalCv } = demanded;
    const pool = this.instancesOf(demanded.name)
      .filter(({ ready, outdated }) => !outdated && (ready || !readyOnly))
      .map(({ config }) => candidates.find((each) => configKey(each.config) === configKey(config))!);
    return this.#rates.capacityPerSecond(pool, { sloMs, percentile, arrivalCv });
  }

  plan(demands: readonly FunctionDemand[]): Made {
    const decision = this.#planner({ demands, cluster: this.snapshot, rates: this.#rates });
    return {
      decision,
      start: startsOf(decision),
      stop: stopsOf(decision),
      short: shortagesOf(decision),
    };
  }

  /** Plans and does it. What was starting is ready now, what was leaving has left. */
  step(demands: readonly FunctionDemand[]): Made {
    this.#instances = this.#instances.map((instance) => ({ ...instance, ready: true }));
    this.leave();
    return this.stepAtOnce(demands);
  }

  /** Plans and does it, while what starts keeps starting and what leaves keeps leaving. */
  stepAtOnce(demands: readonly FunctionDemand[]): Made {
    const made = this.plan(demands);
    for (const { functionName, config, node: nodeName, gpu } of made.start) {
      const { needs } = demands
        .find(({ name }) => name === functionName)!
        .candidates.find((each) => configKey(each.config) === configKey(config))!;
      const holding = this.#nodes.get(nodeName)!.take(needs, gpu);
      this.#started += 1;
      const id = `${functionName}-${this.#started}`;
      const where = { node: nodeName, ...(gpu === undefined ? {} : { gpu }) };
      this.#instances.push({
        id,
        functionName,
        config,
        ...where,
        needs,
        holding,
        ready: false,
        outdated: false,
      });
    }
    for (const { id } of made.stop) {
      const instance = this.#instances.find((each) => each.id === id);
      if (instance === undefined) throw new Error(`instance ${id} is stopped twice, or was never there`);
      this.#instances = this.#instances.filter((each) => each !== instance);
      this.#leaving.push(instance);
    }
    return made;
  }

  /** Steps until a plan moves nothing; returns how many steps that took. Fails when it never does. */
  settle(demands: readonly FunctionDemand[], mostSteps = 50): number {
    for (let steps = 0; steps < mostSteps; steps += 1) {
      const { start, stop } = this.step(demands);
      if (start.length + stop.length === 0 && this.#leaving.length === 0) return steps;
    }
    throw new Error(`still moving after ${mostSteps} steps at the same demand`);
  }

  leave(): void {
    for (const { node: nodeName, holding } of this.#leaving) this.#nodes.get(nodeName)!.giveBack(holding);
    this.#leaving = [];
  }

  /** As after a redeploy: nothing is counted on what runs. */
  outdate(name: string): void {
    this.#instances = this.#instances.map((each) =>
      each.functionName === name ? { ...each, outdated: true } : each,
    );
  }
}
