import type { Config } from '../../../profiles/config.ts';
import type { NodeCapacity } from '../../platforms/platform.ts';
import type { FunctionDemand, PlannedInstance, RateModel, StartDecision } from '../model.ts';
import type { Spot } from './node-space.ts';
import { type Offer, Offers, sizeOf } from './offer.ts';
import type { PoolWish } from './pool-search.ts';
import { type Resources, worthOf } from './resources.ts';

/** One function while a plan is being made: what it asks, what runs for it, and what the plan changes. */
export class FunctionPlan {
  readonly demand: FunctionDemand;
  readonly offers: Offers;
  /** By offer: what runs, starts, or is to be started. */
  readonly counts: number[];
  /** What that carried before anything was planned. */
  readonly capacityBefore: number;
  /** By offer: the instances that are ready and not to be stopped. */
  readonly ready: PlannedInstance[][];
  /** Those that are not ready yet. */
  readonly starting: PlannedInstance[] = [];
  /** Outdated, or of a config that cannot keep the SLO: it serves, but should be gone. */
  readonly deadWeight: PlannedInstance[] = [];
  readonly stop: PlannedInstance[] = [];
  readonly #leaving: number;
  readonly #expected: number[];
  readonly #added: { readonly index: number; readonly spot: Spot }[] = [];
  /** What one instance of each offer costs by the market's prices. */
  costs: readonly number[] = [];

  constructor(
    demand: FunctionDemand,
    { instances, leaving }: { readonly instances: readonly PlannedInstance[]; readonly leaving: number },
    rates: RateModel,
    shapes: readonly NodeCapacity[],
  ) {
    this.demand = demand;
    this.#leaving = leaving;
    this.offers = new Offers(demand, rates, shapes);
    this.counts = this.offers.all.map(() => 0);
    this.#expected = this.offers.all.map(() => 0);
    this.ready = this.offers.all.map(() => []);
    for (const instance of instances) this.#count(instance, this.#indexOf(instance.config));
    this.capacityBefore = this.capacity;
    this.price([0, 0, 0]);
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

  get comingCounts(): number[] {
    return this.counts.map((count, index) => count + this.#expected[index]!);
  }

  get readyCapacity(): number {
    return this.offers.capacity(this.readyCounts);
  }

  get readyCounts(): number[] {
    return this.ready.map(({ length }) => length);
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
    return Math.max(0, this.demand.maxInstances - this.size - sizeOf(this.#expected));
  }

  /** Whether it lacks something that is neither starting nor promised room. */
  get wantsMore(): boolean {
    if (this.slots === 0 || this.offers.all.length === 0) return false;
    return sizeOf(this.comingCounts) < this.fewest || this.isShort;
  }

  /** Whether more is asked for than will be carried; it may also lack instances of those it shall have in any case. */
  get isShort(): boolean {
    return this.comingCapacity < this.demand.ratePerSecond;
  }

  /** The most that shall be carried: what was asked for lately counts, too. */
  get recentPerSecond(): number {
    return Math.max(this.demand.ratePerSecond, this.demand.recentRatePerSecond);
  }

  get weight(): number {
    return this.demand.weight ?? 1;
  }

  /** Capacity over demand, by weight: the lower, the more urgent. What is only to be kept warm is never urgent. */
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

  price(prices: Resources): void {
    this.costs = this.costsAt(prices);
  }

  costsAt(prices: Resources): number[] {
    return this.offers.all.map(({ price, needs }) => price + worthOf(needs, prices));
  }

  wish(ratePerSecond: number): PoolWish {
    const { offers, costs, counts, demand } = this;
    return { offers, costs, running: [...counts], ratePerSecond, mostInstances: demand.maxInstances };
  }

  add(index: number, spot: Spot): void {
    this.counts[index]! += 1;
    this.#added.push({ index, spot });
  }

  /** @returns what had been added, to free its room */
  takeBackAll(): { readonly index: number; readonly spot: Spot }[] {
    const added = this.#added.splice(0);
    for (const { index } of added) this.counts[index]! -= 1;
    return added;
  }

  /** Room for one more is on its way: it will be started with a later plan. */
  expect(index: number): void {
    this.#expected[index]! += 1;
  }

  get start(): StartDecision[] {
    const functionName = this.demand.name;
    return this.#added.map(({ index, spot }) => ({
      functionName,
      config: this.offer(index).candidate.config,
      ...spot,
    }));
  }

  /** Whether this plan starts something for it. */
  get isGrowing(): boolean {
    return this.#added.length > 0;
  }

  /** Whether some of it starts, or will once there is room. */
  get isMoving(): boolean {
    return this.starting.length + this.#added.length + sizeOf(this.#expected) > 0;
  }

  /** Whether what was decided before is still being done: some starts, or stops to make room for what will. */
  get isChanging(): boolean {
    return this.isMoving || this.#leaving + this.stop.length > 0;
  }

  /** Lets go of a ready instance. */
  release(index: number, instance: PlannedInstance): void {
    this.counts[index]! -= 1;
    const group = this.ready[index]!;
    group.splice(group.indexOf(instance), 1);
    this.stop.push(instance);
  }

  releaseDeadWeight(instance: PlannedInstance): void {
    this.deadWeight.splice(this.deadWeight.indexOf(instance), 1);
    this.stop.push(instance);
  }

  offer(index: number): Offer {
    return this.offers.all[index]!;
  }

  /** Which offer a config is, or −1. Thousands of instances are looked up a plan: making keys would take longer. */
  #indexOf({ batch, cpuMillicores, gpuPercent }: Config): number {
    return this.offers.all.findIndex(({ candidate: { config } }) => {
      const isSameQuota = config.cpuMillicores === cpuMillicores && config.gpuPercent === gpuPercent;
      return isSameQuota && config.batch === batch;
    });
  }

  #count(instance: PlannedInstance, index: number): void {
    if (instance.outdated || index < 0) {
      this.deadWeight.push(instance);
      return;
    }
    this.counts[index]! += 1;
    if (instance.ready) this.ready[index]!.push(instance);
    else this.starting.push(instance);
  }
}

/** The shortest first. Coverage may be infinite, and a difference of two such is no number. */
export function compareCoverage(a: FunctionPlan, b: FunctionPlan): number {
  return Number(a.coverage > b.coverage) - Number(a.coverage < b.coverage);
}

/** Coverages that differ by less than this factor are about equal: who is how short changes by chance, too. */
const LEVEL = 1.25;

/** By a whole number, how well a function is covered. */
export function levelOf(coverage: number): number {
  return Math.floor(Math.log(coverage) / Math.log(LEVEL) + 0.5);
}
