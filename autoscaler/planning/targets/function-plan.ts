import { dot, isZero, type Vector } from '../../../models/base/resources.ts';
import type { Config } from '../../../profiles/config.ts';
import type { Action, StartReason, StopReason } from '../../cluster/actions.ts';
import { type EligibleNodes, includes } from '../../cluster/eligible-nodes.ts';
import type { PlacedInstance } from '../../cluster/snapshot.ts';
import type { Candidate } from '../../latency/candidate.ts';
import type { RateModel } from '../capacity/rate-model.ts';
import type { FunctionDemand } from '../decision.ts';
import type { NodePlace } from '../placement/free-node.ts';
import { type Offer, type Offers, offersFor, sizeOf } from './offer.ts';
import type { PoolRequest } from './pool-search.ts';

const NONE: readonly PlacedInstance[] = [];

interface Stopped {
  readonly instance: PlacedInstance;
  readonly reason: StopReason;
  readonly makesRoomFor: string | undefined;
}

/** One function while a plan is being made: what it asks, what runs for it, and what the plan changes. */
export class FunctionPlan {
  readonly demand: FunctionDemand;
  /** Where its instances may be. */
  readonly site: EligibleNodes;
  readonly offers: Offers;
  /** By offer: what runs, starts, or is to be started. */
  readonly counts: number[];
  /** The same and what is promised room: what there will be when all that starts now or later is ready. */
  readonly comingCounts: number[];
  /** By offer: how many are ready and not to be stopped. */
  readonly readyCounts: number[];
  /** What `counts` carried before anything was planned. */
  readonly capacityBefore: number;
  /** By offer: what counted before anything was planned. */
  readonly countsBefore: readonly number[];
  /** Those that are not ready yet. */
  readonly starting: PlacedInstance[] = [];
  /**
   * Outdated, of a config that cannot keep the SLO, or where it may not be: it serves, but should be gone.
   */
  readonly obsolete: PlacedInstance[] = [];
  readonly #stopped: Stopped[] = [];
  readonly #leaving: number;
  /** By offer, where there are any. */
  readonly #ready: PlacedInstance[][] = [];
  #expected = 0;
  readonly #added: { readonly index: number; readonly spot: NodePlace }[] = [];
  /** Whether what was added is to take the place of what runs. */
  #replaces = false;
  /** Of a config that is no offer, since no offer finds a place. */
  #fallback: { readonly config: Config; readonly spot: NodePlace } | undefined;
  /** What one instance of each offer costs by the market's prices. */
  costs: readonly number[];

  constructor(
    demand: FunctionDemand,
    { instances, leaving }: { readonly instances: readonly PlacedInstance[]; readonly leaving: number },
    rates: RateModel,
    site: EligibleNodes,
  ) {
    this.demand = demand;
    this.#leaving = leaving;
    this.site = site;
    this.offers = offersFor(demand, rates, site.kinds);
    this.counts = this.offers.all.map(() => 0);
    this.readyCounts = [...this.counts];
    for (const instance of instances) this.#count(instance, this.#indexOf(instance.config));
    this.comingCounts = [...this.counts];
    this.countsBefore = [...this.counts];
    this.capacityBefore = this.capacity;
    this.#replaces = this.obsolete.length > 0;
    this.costs = this.offers.prices;
  }

  get size(): number {
    return sizeOf(this.counts);
  }

  get capacity(): number {
    return this.offers.capacity(this.counts);
  }

  /** What it will carry when all that starts now or is promised room is ready. */
  get comingCapacity(): number {
    return this.offers.capacity(this.comingCounts);
  }

  /** The instances of an offer that are ready and not to be stopped. */
  readyOf(index: number): readonly PlacedInstance[] {
    return this.#ready[index] ?? NONE;
  }

  get missingPerSecond(): number {
    return Math.max(0, this.demand.ratePerSecond - this.capacity);
  }

  /** Instances it has whatever the rate. */
  get fewest(): number {
    const { maxInstances, minInstances, warmInstances } = this.demand;
    return Math.min(maxInstances, Math.max(minInstances, warmInstances));
  }

  get slots(): number {
    return Math.max(0, this.demand.maxInstances - sizeOf(this.comingCounts));
  }

  /** Whether it lacks something that is neither starting nor promised room. */
  get wantsMore(): boolean {
    if (this.slots === 0 || this.offers.all.length === 0) return false;
    return sizeOf(this.comingCounts) < this.fewest || this.isShort;
  }

  /** Whether it has requests, or is to have instances, and nothing serves it, starts or is promised room. */
  get hasNothing(): boolean {
    const has = sizeOf(this.comingCounts) + this.obsolete.length + this.#expected;
    return has === 0 && this.#fallback === undefined && (this.demand.ratePerSecond > 0 || this.fewest > 0);
  }

  /**
   * Whether more is asked for than will be carried; it may also lack instances of those it must have in any
   * case.
   */
  get isShort(): boolean {
    return this.comingCapacity < this.demand.ratePerSecond;
  }

  /** The most that must be carried: what was asked for lately counts, too. */
  get recentPerSecond(): number {
    return Math.max(this.demand.ratePerSecond, this.demand.recentRatePerSecond);
  }

  get weight(): number {
    return this.demand.weight ?? 1;
  }

  /**
   * Capacity over demand, by weight: the lower, the more urgent. What is only to be kept warm is never
   * urgent.
   */
  get coverage(): number {
    return this.coverageOf(this.comingCapacity);
  }

  coverageOf(capacityPerSecond: number): number {
    const { ratePerSecond } = this.demand;
    return ratePerSecond > 0 ? capacityPerSecond / ratePerSecond / this.weight : Infinity;
  }

  /** What share of the demand is not carried. */
  get shortage(): number {
    return this.missingPerSecond === 0 ? 0 : this.missingPerSecond / this.demand.ratePerSecond;
  }

  price(prices: Vector): void {
    this.costs = this.costsAt(prices);
  }

  costsAt(prices: Vector): readonly number[] {
    if (isZero(prices)) return this.offers.prices;
    return this.offers.all.map(({ price, candidate }) => price + dot(candidate.needs, prices));
  }

  poolRequest(ratePerSecond: number): PoolRequest {
    const { offers, costs, counts, demand } = this;
    return { offers, costs, running: [...counts], ratePerSecond, mostInstances: demand.maxInstances };
  }

  add(index: number, spot: NodePlace): void {
    this.#change(index, 1);
    this.#added.push({ index, spot });
  }

  /** @returns what had been added, to free its room */
  takeBackAll(): { readonly index: number; readonly spot: NodePlace }[] {
    const added = this.#added.splice(0);
    for (const { index } of added) this.#change(index, -1);
    return added;
  }

  /** Room for one more is on its way: it will be started with a later plan. */
  expect(index: number): void {
    this.comingCounts[index]! += 1;
    this.#expected += 1;
  }

  /** One that no offer is: it counts for nothing, but it serves. */
  addFallback({ config }: Candidate, spot: NodePlace): void {
    this.#fallback = { config, spot };
  }

  /** The same, for which room is on its way. */
  expectFallback(): void {
    this.#expected += 1;
  }

  /** What was added is not needed to carry more, but costs less than what runs. */
  replaces(): void {
    this.#replaces = true;
  }

  /** What is to be done, starts first. */
  addActions(actions: Action[]): void {
    const functionName = this.demand.name;
    const before = sizeOf(this.countsBefore);
    this.#added.forEach(({ index, spot }, place) => {
      const reason = this.#startReason(before + place);
      actions.push({
        type: 'start',
        functionName,
        reason,
        config: this.offer(index).candidate.config,
        ...spot,
      });
    });
    if (this.#fallback !== undefined) {
      const { config, spot } = this.#fallback;
      const reason = this.#startReason(before + this.#added.length);
      actions.push({ type: 'start', functionName, reason, config, ...spot });
    }
    for (const { instance, reason, makesRoomFor } of this.#stopped) {
      const { id, config } = instance;
      const whose = makesRoomFor === undefined ? {} : { makesRoomFor };
      actions.push({ type: 'stop', functionName, reason, id, config, ...whose });
    }
  }

  /** Why one starts beside so many that count. */
  #startReason(size: number): StartReason {
    const { ratePerSecond, minInstances } = this.demand;
    if (this.#replaces) return 'replacement';
    if (size < minInstances) return 'minimum';
    return ratePerSecond > this.capacityBefore ? 'growth' : 'keep-alive';
  }

  /** How many of it are stopped. */
  get stopped(): number {
    return this.#stopped.length;
  }

  /** Whether this plan starts something for it. */
  get isGrowing(): boolean {
    return this.#added.length > 0;
  }

  /** Whether some of it starts, or will once there is room. */
  get isMoving(): boolean {
    return this.starting.length + this.#added.length + this.#expected > 0;
  }

  /**
   * Whether what was decided before is still being done: some starts, or stops to make room for what will.
   */
  get isChanging(): boolean {
    return this.isMoving || this.#leaving + this.stopped > 0;
  }

  /** Lets go of a ready instance. */
  release(index: number, instance: PlacedInstance, reason: StopReason, makesRoomFor?: string): void {
    this.#change(index, -1);
    this.readyCounts[index]! -= 1;
    const group = this.#ready[index]!;
    group.splice(group.indexOf(instance), 1);
    this.#stopped.push({ instance, reason, makesRoomFor });
  }

  releaseObsolete(instance: PlacedInstance, reason: StopReason, makesRoomFor?: string): void {
    this.obsolete.splice(this.obsolete.indexOf(instance), 1);
    this.#stopped.push({ instance, reason, makesRoomFor });
  }

  offer(index: number): Offer {
    return this.offers.all[index]!;
  }

  /**
   * Which offer a config is, or −1. Thousands of instances are looked up a plan: making keys would take
   * longer.
   */
  #indexOf({ batch, cpuMillicores, gpuPercent }: Config): number {
    return this.offers.all.findIndex(({ candidate: { config } }) => {
      const isSameQuota = config.cpuMillicores === cpuMillicores && config.gpuPercent === gpuPercent;
      return isSameQuota && config.batch === batch;
    });
  }

  #count(instance: PlacedInstance, index: number): void {
    if (instance.outdated || index < 0 || !includes(this.site, instance.node)) {
      this.obsolete.push(instance);
      return;
    }
    this.counts[index]! += 1;
    if (!instance.ready) {
      this.starting.push(instance);
      return;
    }
    this.readyCounts[index]! += 1;
    this.#ready[index] ??= [];
    this.#ready[index].push(instance);
  }

  #change(index: number, by: 1 | -1): void {
    this.counts[index]! += by;
    this.comingCounts[index]! += by;
  }
}

/** The shortest first. Coverage may be infinite, and a difference of two such is no number. */
export function compareCoverage(a: FunctionPlan, b: FunctionPlan): number {
  return Number(a.coverage > b.coverage) - Number(a.coverage < b.coverage);
}

/**
 * Coverages that differ by less than this factor are about equal: who is how short changes by chance, too.
 */
const LEVEL = 1.25;

/** By a whole number, how well a function is covered. */
export function levelOf(coverage: number): number {
  return Math.floor(Math.log(coverage) / Math.log(LEVEL) + 0.5);
}
