import { configKey } from '../../profiles/config.ts';
import type { Candidate, FunctionDemand, Placement, PlannedInstance, RateModel, Slo } from './model.ts';
import { priceOf } from './price.ts';

/** One instance of a pool: one that runs, or one that the plan being made starts. */
export interface Member extends Placement {
  /** Undefined for an instance that the plan starts. */
  readonly id: string | undefined;
  readonly ready: boolean;
  readonly price: number;
  /** Undefined for dead weight: outdated, or of a config that cannot keep the SLO. It promises nothing. */
  readonly candidate: Candidate | undefined;
}

/** Price every instance has beside its config: a process, a connection, memory for a copy of the model. */
const INSTANCE_PRICE = 2;

/** How much slower than its quickest config a function is planned whose SLO no config keeps any more. */
const BEST_EFFORT = 2;

/** One function's instances while a plan is being made: those that run and those that the plan adds. */
export class FunctionPool {
  readonly demand: FunctionDemand;
  /** Configs that may be started. */
  readonly feasible: readonly Candidate[];
  readonly rates: RateModel;
  readonly slo: Slo;
  #members: Member[];
  #capacityPerSecond: number | undefined;

  constructor(demand: FunctionDemand, instances: readonly PlannedInstance[], rates: RateModel) {
    this.demand = demand;
    this.rates = rates;
    this.slo = attainableSlo(demand, rates);
    this.feasible = demand.candidates.filter((candidate) => rates.feasible(candidate, this.slo));
    const byConfig = new Map(this.feasible.map((candidate) => [configKey(candidate.config), candidate]));
    this.#members = instances.map((instance) => ({
      ...instance,
      price: priceOf(instance.config),
      candidate: instance.outdated ? undefined : byConfig.get(configKey(instance.config)),
    }));
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** Instances that answer in time, or will. */
  get useful(): readonly Member[] {
    return this.#members.filter(({ candidate }) => candidate !== undefined);
  }

  /** Instances that serve but should be gone: they hold room that successors need. */
  get deadWeight(): readonly Member[] {
    return this.#members.filter(({ candidate }) => candidate === undefined);
  }

  get price(): number {
    return this.#members.reduce((sum, member) => sum + member.price, 0);
  }

  get hasStarting(): boolean {
    return this.#members.some((member) => !member.ready);
  }

  get missingPerSecond(): number {
    return Math.max(0, this.demand.ratePerSecond - this.#capacity);
  }

  get wantsMore(): boolean {
    const count = this.useful.length;
    if (count >= this.demand.maxInstances) return false;
    return count < this.fewest || this.missingPerSecond > 0;
  }

  /** Instances it has whatever the rate. */
  get fewest(): number {
    return Math.min(this.demand.maxInstances, Math.max(this.demand.minInstances, this.demand.warmInstances));
  }

  /** How many instances it can lend to a function that has none. */
  get spare(): number {
    const { minInstances, recentRatePerSecond } = this.demand;
    return this.useful.length - Math.max(minInstances, recentRatePerSecond > 0 ? 1 : 0);
  }

  /** Capacity over demand: the lower, the more urgent. What is only to be kept warm is never urgent. */
  get coverage(): number {
    const rate = this.demand.ratePerSecond;
    return rate > 0 ? this.#capacity / rate : Infinity;
  }

  /**
   * Configs to start for what is missing, in the order of preference: those meant for so much, and of these such that
   * the instances still allowed can carry it all, or as much as can be; then whatever is feasible.
   */
  choices(): readonly (readonly Candidate[])[] {
    const missing = this.missingPerSecond;
    const worthy = this.feasible.filter((each) => this.rates.worthStarting(each, missing, this.slo));
    const gains = new Map(worthy.map((each) => [each, this.gainOf(each)]));
    const slots = this.demand.maxInstances - this.useful.length;
    const share = Math.min(missing / slots, Math.max(...gains.values()));
    const largeEnough = worthy.filter((each) => gains.get(each)! >= share);
    return [largeEnough, worthy, this.feasible];
  }

  /** What the pool would carry more with one instance more. */
  gainOf(candidate: Candidate): number {
    const pool = [...candidatesOf(this.#members), candidate];
    return this.rates.capacityPerSecond(pool, this.slo) - this.#capacity;
  }

  /**
   * Missing rate gained per price, the paper's efficiency without its division by what the node has left: that
   * factor grows without bound when a config fills a node exactly, whatever it carries.
   */
  efficiency(candidate: Candidate): number {
    return efficiencyOf(
      candidate,
      this.missingPerSecond > 0 ? this.gainOf(candidate) : 0,
      this.missingPerSecond,
    );
  }

  add(candidate: Candidate, placement: Placement): void {
    const price = priceOf(candidate.config);
    this.#change([...this.#members, { ...placement, id: undefined, ready: false, price, candidate }]);
  }

  remove(member: Member): void {
    this.#change(this.#members.filter((other) => other !== member));
  }

  /**
   * Whether the ready instances that remain without `member` are enough: for dead weight, if they carry the demand;
   * for a useful one, if they carry the recent past's highest rate with a margin.
   */
  canRelease(member: Member): boolean {
    const ready = this.useful.filter((other) => other.ready);
    const rest = ready.filter((other) => other !== member);
    if (rest.length >= this.demand.maxInstances) return true;
    if (rest.length < this.fewest) return false;
    const { ratePerSecond, recentRatePerSecond } = this.demand;
    if (member.candidate === undefined) {
      return this.rates.capacityPerSecond(candidatesOf(rest), this.slo) >= ratePerSecond;
    }
    const recent = Math.max(ratePerSecond, recentRatePerSecond);
    return this.rates.mayShrink(candidatesOf(ready), candidatesOf(rest), recent, this.slo);
  }

  get #capacity(): number {
    this.#capacityPerSecond ??= this.rates.capacityPerSecond(candidatesOf(this.#members), this.slo);
    return this.#capacityPerSecond;
  }

  #change(members: Member[]): void {
    this.#members = members;
    this.#capacityPerSecond = undefined;
  }
}

/** Rate gained per price, as far as it is missing; where nothing is, the cheapest is the best. */
export function efficiencyOf(candidate: Candidate, gainPerSecond: number, missingPerSecond: number): number {
  const useful = missingPerSecond > 0 ? Math.min(gainPerSecond, missingPerSecond) : 1;
  return useful / (priceOf(candidate.config) + INSTANCE_PRICE);
}

export function candidatesOf(members: readonly Member[]): Candidate[] {
  return members.map((member) => member.candidate).filter((candidate) => candidate !== undefined);
}

/**
 * The SLO to plan for: the function's own or, where running has shown that no config keeps it, the best that can be
 * had. Serving late is better than not serving.
 */
function attainableSlo(demand: FunctionDemand, rates: RateModel): Slo {
  const { sloMs, percentile, arrivalCv, candidates } = demand;
  const slo = { sloMs, percentile, arrivalCv };
  if (candidates.some((candidate) => rates.feasible(candidate, slo))) return slo;
  const quickestMs = Math.min(...candidates.map(({ tailMs }) => tailMs));
  return { ...slo, sloMs: quickestMs * BEST_EFFORT };
}
