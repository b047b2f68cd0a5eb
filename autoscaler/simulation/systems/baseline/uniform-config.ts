import { priceOf } from '../../../cluster/price.ts';
import type { Candidate } from '../../../latency/candidate.ts';
import type { SystemContext } from './baseline-system.ts';
import type { PolicyInstance } from './policy-instance.ts';
import type { ServedFunction } from './served-function.ts';

/**
 * The sizes that a function's replicas may get where the system knows no configs, the preferred one first:
 * those that leave time to wait for as much again, by their price for a request; where none leaves that time,
 * the quickest. Empty without a config for one request.
 *
 * @param batches whether replicas batch what waits at them; otherwise they answer one request at a time
 */
export function uniformConfigs(
  candidates: readonly Candidate[],
  sloMs: number,
  batches = false,
): readonly Candidate[] {
  const allowed = candidates.filter(({ config }) => batches || config.batch === 1);
  const leisurely = allowed.filter(({ tailMs }) => tailMs <= sloMs / 2);
  const cost = ({ config, meanMs }: Candidate): number => (priceOf(config) * meanMs) / config.batch;
  return leisurely.length > 0
    ? leisurely.toSorted((a, b) => cost(a) - cost(b))
    : allowed.toSorted((a, b) => a.tailMs - b.tailMs).slice(0, 1);
}

/** `maxUnavailable` of a Deployment that is updated: its default. */
const ROLLING_SHARE = 0.25;

/**
 * Which size a function's replicas get. The operator prefers the cheapest, takes the next where there is no
 * room for it and, where there is none for any of them, deploys the function anew with a share of a GPU.
 */
export class ReplicaSizes {
  readonly #byPrice: readonly Candidate[];
  readonly #onGpus: readonly Candidate[];
  #isCramped = false;

  /** @param byPrice the preferred one first */
  constructor(byPrice: readonly Candidate[]) {
    this.#byPrice = byPrice;
    this.#onGpus = byPrice.filter(({ config }) => config.gpuPercent > 0);
  }

  get inOrder(): readonly Candidate[] {
    return this.#isCramped ? [...this.#onGpus, ...this.#byPrice.filter(isOnCpu)] : this.#byPrice;
  }

  /** There is no room for any: see {@link makeRoomBesideGpus}. */
  makeRoom(hands: SystemContext, served: ServedFunction): void {
    if (makeRoomBesideGpus(hands, served, this.#onGpus)) this.#isCramped = true;
  }
}

/**
 * Stops instances on CPUs alone where a GPU is free beside them, at most a quarter of all: what is deployed
 * anew with a share of a GPU needs CPU as well.
 *
 * @param onGpus what is to be started
 * @returns whether any was
 */
export function makeRoomBesideGpus(
  hands: SystemContext,
  served: ServedFunction,
  onGpus: readonly Candidate[],
): boolean {
  const nodes = new Set(onGpus.flatMap((candidate) => hands.space.freeGpusFor(candidate)));
  const moving = served.instances
    .filter(({ candidate, placement }) => isOnCpu(candidate) && nodes.has(placement.node))
    .sort((a, b) => a.load - b.load)
    .slice(0, Math.ceil(served.instances.length * ROLLING_SHARE));
  for (const instance of moving) hands.stop(served, instance);
  return moving.length > 0;
}

function isOnCpu({ config }: Candidate): boolean {
  return config.gpuPercent === 0;
}

/** How many replicas there should be. */
export interface Scale {
  /** What they are to be worth together. */
  readonly wanted: number;
  /** So many there are whatever they are worth. */
  readonly fewest?: number;
  /** What one of a size counts; by default 1. */
  readonly worthOf?: (candidate: Candidate) => number;
}

/** Sums of worths are exact to this. */
const ROUNDING = 1e-9;

/**
 * Makes a function's instances be worth so much, within its owner's limits: starts those of the most
 * preferred size that has room, stops the least loaded.
 */
export function scaleTo(
  hands: SystemContext,
  served: ServedFunction,
  sizes: ReplicaSizes,
  { wanted, fewest: atLeast = 0, worthOf = () => 1 }: Scale,
): void {
  const { max } = served.deployment.spec.scale;
  const fewest = Math.max(atLeast, served.fewestAt(hands.parts.clock.nowMs()));
  const { instances } = served;
  let worth = instances.reduce((sum, { candidate }) => sum + worthOf(candidate), 0);
  const isEnough = (): boolean =>
    instances.length >= max || (worth >= wanted - ROUNDING && instances.length >= fewest);
  while (!isEnough()) {
    const size = sizes.inOrder.find((candidate) => hands.start(served, candidate) !== undefined);
    if (size === undefined) {
      sizes.makeRoom(hands, served);
      return;
    }
    worth += worthOf(size);
  }
  const byLoad = (a: PolicyInstance, b: PolicyInstance): number =>
    Number(a.isReady) - Number(b.isReady) || a.load - b.load;
  if (instances.length <= fewest) return;
  for (const instance of instances.toSorted(byLoad)) {
    if (instances.length <= fewest) return;
    const without = worth - worthOf(instance.candidate);
    if (instances.length <= max && without < wanted - ROUNDING) continue;
    if (instance.load > 0) continue; // what it has it finishes; the next tick looks again
    hands.stop(served, instance);
    worth = without;
  }
}
