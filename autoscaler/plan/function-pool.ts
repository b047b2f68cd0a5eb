import { configKey } from '../../profiles/config.ts';
import type { Candidate, FunctionDemand, PlannedInstance, RateModel, Slo } from './model.ts';
import { candidateOf } from './node-ledger.ts';
import { priceOf } from './price.ts';

interface Member {
  /** Undefined for an instance that the plan being made starts. */
  readonly id: string | undefined;
  readonly price: number;
  readonly ready: boolean;
  /** Undefined where the instance runs a config that the table no longer has: it holds resources, promises nothing. */
  readonly candidate: Candidate | undefined;
}

/** Bounds the search for the ideal set: a function that needs more than this many instances is scaled step by step. */
const LARGEST_IDEAL_SET = 64;

/** Price every instance has beside its config: a process, a connection, memory for a copy of the model. */
const INSTANCE_PRICE = 2;

/** One function's instances while a plan is being made: those that run and those that the plan adds. */
export class FunctionPool {
  readonly demand: FunctionDemand;
  readonly #rates: RateModel;
  readonly #slo: Slo;
  readonly #feasible: readonly Candidate[];
  #members: Member[];

  constructor(demand: FunctionDemand, instances: readonly PlannedInstance[], rates: RateModel) {
    this.demand = demand;
    this.#rates = rates;
    this.#slo = { sloMs: demand.sloMs, percentile: demand.percentile, arrivalCv: demand.arrivalCv };
    this.#feasible = demand.candidates.filter((candidate) => rates.feasible(candidate, this.#slo));
    this.#members = instances
      .filter((instance) => instance.functionName === demand.name)
      .map(({ id, config, ready }) => ({
        id,
        price: priceOf(config),
        ready,
        candidate: candidateOf(demand.candidates, config),
      }));
  }

  get size(): number {
    return this.#members.length;
  }

  get price(): number {
    return this.#members.reduce((sum, member) => sum + member.price, 0);
  }

  get hasStarting(): boolean {
    return this.#members.some((member) => !member.ready);
  }

  get missingPerSecond(): number {
    return Math.max(0, this.demand.ratePerSecond - this.#capacityOf(this.#members));
  }

  get wantsMore(): boolean {
    if (this.#useful.length >= this.demand.maxInstances) return false;
    return this.#useful.length < this.#fewest || this.missingPerSecond > 0;
  }

  /** Whether nothing runs, or starts, that could answer. */
  get isEmpty(): boolean {
    return this.#useful.length === 0;
  }

  /** Whether it can lend an instance to a function that has none. */
  get canSpare(): boolean {
    const { minInstances, recentRatePerSecond } = this.demand;
    return this.#useful.length > Math.max(minInstances, recentRatePerSecond > 0 ? 1 : 0);
  }

  /** Capacity over demand: the lower, the more urgent. */
  get coverage(): number {
    if (this.size === 0) return 0;
    const rate = this.demand.ratePerSecond;
    return rate === 0 ? Infinity : this.#capacityOf(this.#members) / rate;
  }

  /** Configs that may be started for what is missing. Where none is meant for so little, all that are feasible. */
  candidatesWorthStarting(): readonly Candidate[] {
    const missing = this.missingPerSecond;
    const worthy = this.#feasible.filter((each) => this.#rates.worthStarting(each, missing, this.#slo));
    return worthy.length > 0 ? worthy : this.#feasible;
  }

  /**
   * Missing rate gained per price, the paper's efficiency without its division by what the node has left: that
   * factor grows without bound when a config fills a node exactly, whatever it carries.
   */
  efficiency(candidate: Candidate): number {
    return this.#efficiency(this.#members, candidate, this.missingPerSecond);
  }

  add(candidate: Candidate): void {
    this.#members.push(memberOf(candidate));
  }

  /** Ready instances in the order in which they should go: unusable ones, then the dearest. */
  dearestFirst(): string[] {
    return this.#members
      .filter((member) => member.ready && member.id !== undefined)
      .sort(
        (a, b) => Number(a.candidate !== undefined) - Number(b.candidate !== undefined) || b.price - a.price,
      )
      .map((member) => member.id!);
  }

  /** Gives up a ready instance whatever the demand: a useless one first, else the dearest. */
  surrender(): string | undefined {
    const [id] = this.dearestFirst();
    if (id !== undefined) this.#members = this.#members.filter((member) => member.id !== id);
    return id;
  }

  get hasUseless(): boolean {
    return this.#members.some((member) => member.ready && member.candidate === undefined);
  }

  /** Takes an instance out if the ready ones that remain carry the recent past's highest rate. */
  release(id: string): boolean {
    const ready = this.#members.filter((member) => member.ready);
    const rest = ready.filter((member) => member.id !== id);
    if (candidatesOf(rest).length < this.#fewest) return false;
    const enough = this.#rates.mayShrink(
      candidatesOf(ready),
      candidatesOf(rest),
      this.demand.recentRatePerSecond,
      this.#slo,
    );
    if (enough) this.#members = this.#members.filter((member) => member.id !== id);
    return enough;
  }

  /** The cheapest set that greedy choice finds from nothing for the recent past's highest rate, with its price. */
  idealSet(): { set: readonly Candidate[]; price: number } | undefined {
    const set: Member[] = [];
    const rate = this.demand.recentRatePerSecond;
    const current = candidatesOf(this.#members);
    while (
      set.length < this.#fewest ||
      !this.#rates.mayShrink([...current, ...candidatesOf(set)], candidatesOf(set), rate, this.#slo)
    ) {
      if (set.length >= LARGEST_IDEAL_SET) return undefined;
      const missing = Math.max(0, rate - this.#capacityOf(set));
      const best = maxBy(this.#feasible, (candidate) => this.#efficiency(set, candidate, missing));
      if (best === undefined) return undefined;
      set.push(memberOf(best));
    }
    return { set: candidatesOf(set), price: set.reduce((sum, member) => sum + member.price, 0) };
  }

  /** Those of a set that do not run yet. */
  missingFrom(set: readonly Candidate[]): Candidate[] {
    const present = new Map<string, number>();
    for (const candidate of candidatesOf(this.#members)) {
      const key = configKey(candidate.config);
      present.set(key, (present.get(key) ?? 0) + 1);
    }
    return set.filter((candidate) => {
      const key = configKey(candidate.config);
      const left = present.get(key) ?? 0;
      present.set(key, left - 1);
      return left <= 0;
    });
  }

  get #fewest(): number {
    return Math.max(this.demand.minInstances, this.demand.warmInstances);
  }

  get #useful(): readonly Member[] {
    return this.#members.filter((member) => member.candidate !== undefined);
  }

  #efficiency(members: readonly Member[], candidate: Candidate, missingPerSecond: number): number {
    const gain = this.#capacityOf([...members, memberOf(candidate)]) - this.#capacityOf(members);
    const useful = missingPerSecond > 0 ? Math.min(gain, missingPerSecond) : 1;
    return useful / (priceOf(candidate.config) + INSTANCE_PRICE);
  }

  #capacityOf(members: readonly Member[]): number {
    return this.#rates.capacityPerSecond(candidatesOf(members), this.#slo);
  }
}

function memberOf(candidate: Candidate): Member {
  return { id: undefined, price: priceOf(candidate.config), ready: false, candidate };
}

function candidatesOf(members: readonly Member[]): Candidate[] {
  return members.map((member) => member.candidate).filter((candidate) => candidate !== undefined);
}

/** The first of the greatest; undefined for none, or when nothing scores above zero. */
function maxBy<T>(items: readonly T[], score: (item: T) => number): T | undefined {
  let best: T | undefined;
  let bestScore = 0;
  for (const item of items) {
    const itemScore = score(item);
    if (itemScore > bestScore) [best, bestScore] = [item, itemScore];
  }
  return best;
}
