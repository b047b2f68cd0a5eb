import { isDeepStrictEqual } from 'node:util';
import { amountsOf, ZERO } from '../../models/base/resources.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import type { ClusterSnapshot } from '../cluster/snapshot.ts';
import { RequestAllowance } from '../demand/spare-requests.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Candidate } from '../latency/candidate.ts';
import type { RateModel } from '../planning/capacity/rate-model.ts';
import {
  type FunctionDemand,
  type PlanInput,
  type Planner,
  type ScalingDecision,
  type Shortage,
  shortagesOf,
} from '../planning/decision.ts';
import { PlanQueue } from '../planning/incremental/attention.ts';
import { isContended } from '../planning/incremental/crowding.ts';
import { PlanStability } from '../planning/incremental/steadiness.ts';
import { plannedSloMs } from '../planning/planner.ts';
import type { ManagedFunction, SeenDemand } from './managed-function.ts';

/**
 * `needed`: only functions for which a plan may change something, as far as that can be known without making
 * it; `all`: every function at every step, which is plainer, dearer, and there to compare with.
 */
export type PlanScope = 'needed' | 'all';

export interface ScalingStepOptions {
  readonly planner: Planner;
  readonly rates: RateModel;
  readonly scope: PlanScope;
}

const NOTHING: ScalingDecision = { prices: amountsOf(ZERO), functions: [], actions: [] };

/**
 * Puts the questions to the planner: what is asked of which functions, and what runs. As long as there is
 * room, functions do not mind each other, and those whose demand leaves their instances as they are need no
 * plan; where it gets crowded all are planned together.
 */
export class ScalingStep {
  readonly #options: ScalingStepOptions;
  readonly #functions: ReadonlyMap<string, ManagedFunction>;
  readonly #fleet: Fleet;
  readonly #queue = new PlanQueue();
  readonly #stability: PlanStability;
  /** Functions to which some requests make no difference. */
  readonly #allowances = new Map<string, RequestAllowance>();
  #nodes: readonly NodeCapacity[] = [];
  #planned: PlanInput | undefined;
  #isContended = false;
  #shortages: readonly Shortage[] = [];
  /** Of functions whose own SLO no config keeps that a node can hold: the one they are planned for. */
  readonly #looserSlosMs = new Map<string, number>();

  constructor(options: ScalingStepOptions, functions: ReadonlyMap<string, ManagedFunction>, fleet: Fleet) {
    this.#options = options;
    this.#functions = functions;
    this.#fleet = fleet;
    this.#stability = new PlanStability(options.planner, options.rates);
  }

  /** What the latest decision was made of; undefined where nothing had to be decided. */
  get planned(): PlanInput | undefined {
    return this.#planned;
  }

  /** Whom the latest plan left short. */
  get shortages(): readonly Shortage[] {
    return this.#shortages;
  }

  /** In ms, by function: what those are planned for whose own SLO no config keeps that a node can hold. */
  get looserSlosMs(): ReadonlyMap<string, number> {
    return this.#looserSlosMs;
  }

  /**
   * The same of one function, as it is now: the loop does not look at one that is idle, and meanwhile what
   * was learnt fades.
   */
  looserSloMsOf(functionName: string, nowMs: number): number | undefined {
    const managed = this.#functions.get(functionName);
    if (managed === undefined || !this.#looserSlosMs.has(functionName)) return undefined;
    return this.#looserSloMs(this.#demandAt(managed, nowMs));
  }

  /**
   * Something has happened to a function that a plan may depend on: what that was is looked at with the next
   * step.
   */
  enqueue(functionName: string): void {
    this.#queue.enqueue(functionName);
  }

  arrived(functionName: string, nowMs: number): void {
    const isSpare = this.#allowances.get(functionName)?.take(nowMs) ?? false;
    if (!isSpare) this.enqueue(functionName);
  }

  /** Its last request was answered: when to look depends on what its keep-alive policy thinks of that. */
  becameIdle(managed: ManagedFunction, nowMs: number): void {
    const { name } = managed;
    if (this.#allowances.has(name) && managed.isHeld(nowMs))
      this.#queue.wakeAt(name, managed.idlenessChangesAtMs(nowMs));
    else this.enqueue(name);
  }

  /** All that is known may be out of date: every function is looked at with the next step. */
  enqueueAll(): void {
    for (const name of this.#functions.keys()) this.#queue.enqueue(name);
  }

  /** A function is there no more. */
  forget(functionName: string): void {
    this.#stability.forget(functionName);
    this.#allowances.delete(functionName);
    this.#looserSlosMs.delete(functionName);
  }

  /** Another one plans from now on. */
  rest(): void {
    this.#shortages = [];
    this.#looserSlosMs.clear();
  }

  /** What a plan for all functions would be made of. */
  input(nodes: readonly NodeCapacity[], nowMs: number): PlanInput {
    const { rates } = this.#options;
    const demands = [...this.#functions.values()].map((managed) => this.#demandAt(managed, nowMs));
    return { demands: inOrder(demands), cluster: this.#fleet.snapshot(nodes), rates };
  }

  /** What would be decided, of which nothing is done. */
  consider(input: PlanInput): ScalingDecision {
    return this.#options.planner(input);
  }

  /** What to start and to stop now. */
  decide(nodes: readonly NodeCapacity[], nowMs: number): ScalingDecision {
    this.#note(nodes);
    const looked = this.#queue.take(nowMs);
    const isForAll = this.#options.scope === 'all' || this.#isContended;
    const demands = isForAll ? this.#all(nowMs) : this.#needed(looked, nowMs);
    this.#planned = undefined;
    const decision = demands.length === 0 ? NOTHING : this.#plan(demands, nowMs);
    this.#shortages = shortagesOf(decision);
    return decision;
  }

  /** Other nodes may be better for anybody. */
  #note(nodes: readonly NodeCapacity[]): void {
    if (nodes === this.#nodes || isDeepStrictEqual(nodes, this.#nodes)) return;
    this.#nodes = nodes;
    this.enqueueAll();
  }

  #all(nowMs: number): FunctionDemand[] {
    this.enqueueAll(); // as soon as it is not for all any more, each has to be looked at
    const demands = [...this.#functions.values()].map((managed) => this.#lookAt(managed, nowMs));
    for (const demand of demands) this.#noteSlo(demand);
    return inOrder(demands);
  }

  #needed(names: readonly string[], nowMs: number): FunctionDemand[] {
    const demands = names.flatMap((name) => {
      const managed = this.#functions.get(name);
      return managed === undefined ? [] : (this.#look(managed, nowMs) ?? []);
    });
    return inOrder(demands);
  }

  /** Returns what is asked of a function if a plan may change something for it. */
  #look(managed: ManagedFunction, nowMs: number): FunctionDemand | undefined {
    const { name } = managed;
    const demand = this.#lookAt(managed, nowMs);
    this.#noteSlo(demand);
    const { state, requestAllowance } = this.#stability.stabilityOf(
      demand,
      this.#fleet.of(name),
      this.#nodes,
      (instances) => this.#fleet.planned(instances),
    );
    if (requestAllowance > 0) this.#allowances.set(name, new RequestAllowance(requestAllowance, nowMs));
    else this.#allowances.delete(name);
    if (state === 'stable') this.#queue.wakeAt(name, managed.idlenessChangesAtMs(nowMs));
    else this.#queue.enqueue(name);
    return state === 'unstable' ? demand : undefined;
  }

  #noteSlo(demand: FunctionDemand): void {
    const sloMs = this.#looserSloMs(demand);
    if (sloMs !== undefined) this.#looserSlosMs.set(demand.name, sloMs);
    else this.#looserSlosMs.delete(demand.name);
  }

  #looserSloMs(demand: FunctionDemand): number | undefined {
    const sloMs = plannedSloMs(demand, this.#nodes, this.#options.rates);
    return sloMs > demand.sloMs ? sloMs : undefined;
  }

  #plan(demands: readonly FunctionDemand[], nowMs: number): ScalingDecision {
    if (demands.length === this.#functions.size)
      return this.#planWith(demands, this.#fleet.snapshot(this.#nodes));
    const names = new Set(demands.map(({ name }) => name));
    const decision = this.#planWith(demands, this.#fleet.snapshotFor(names, this.#nodes));
    return this.#isContended ? this.#planWith(this.#all(nowMs), this.#fleet.snapshot(this.#nodes)) : decision;
  }

  #planWith(demands: readonly FunctionDemand[], cluster: ClusterSnapshot): ScalingDecision {
    const { planner, rates } = this.#options;
    this.#planned = { demands, cluster, rates };
    const decision = planner(this.#planned);
    this.#isContended = isContended(cluster, decision);
    return decision;
  }

  /** What the loop sees when it looks at a function now. */
  #lookAt(managed: ManagedFunction, nowMs: number): FunctionDemand {
    const seen = managed.advanceTo(nowMs);
    return this.#demandFrom(managed, seen, managed.candidates());
  }

  /** What it would see; nothing changes. */
  #demandAt(managed: ManagedFunction, nowMs: number): FunctionDemand {
    return this.#demandFrom(managed, managed.seenAt(nowMs), managed.candidatesAt(nowMs));
  }

  /** An instance on its way is never stopped before it was ready, or starting it was for nothing. */
  #demandFrom(managed: ManagedFunction, seen: SeenDemand, candidates: readonly Candidate[]): FunctionDemand {
    const { headroom } = managed;
    const { spec } = managed.deployment;
    return {
      name: managed.name,
      sloMs: spec.slo,
      percentile: spec.percentile,
      ratePerSecond: seen.ratePerSecond * headroom,
      recentRatePerSecond: seen.recentRatePerSecond * headroom,
      arrivalCv: seen.arrivalCv,
      minInstances: spec.scale.min,
      warmInstances: seen.idle && !this.#fleet.isStarting(managed.name) ? 0 : 1,
      maxInstances: spec.scale.max,
      weight: spec.scale.weight,
      nodeSelector: spec.nodeSelector,
      candidates,
      excluded: managed.excluded,
    };
  }
}

/** By name, so that it does not depend on who was deployed, or enqueued, first. */
function inOrder(demands: FunctionDemand[]): FunctionDemand[] {
  return demands.sort((a, b) => (a.name < b.name ? -1 : 1));
}
