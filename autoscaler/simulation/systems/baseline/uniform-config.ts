import { priceOf } from '../../../cluster/price.ts';
import type { Candidate } from '../../../latency/candidate.ts';
import type { SystemContext } from './baseline-system.ts';
import type { PolicyInstance } from './policy-instance.ts';
import type { ServedFunction } from './served-function.ts';

/**
 * The one size that a function's replicas get where requests are not batched: the cheapest per request of
 * those that leave time to wait for one other request; the quickest where none does. Undefined without a
 * config for one request.
 */
export function uniformConfig(candidates: readonly Candidate[], sloMs: number): Candidate | undefined {
  const single = candidates.filter(({ config }) => config.batch === 1);
  const leisurely = single.filter(({ tailMs }) => tailMs <= sloMs / 2);
  const cost = ({ config, meanMs }: Candidate): number => priceOf(config) * meanMs;
  return leisurely.length > 0
    ? leisurely.reduce((a, b) => (cost(b) < cost(a) ? b : a))
    : single.toSorted((a, b) => a.tailMs - b.tailMs)[0];
}

/**
 * Makes a function's instances be so many of one config, within its owner's limits: starts as many as have
 * room, stops the least loaded.
 */
export function scaleTo(
  hands: SystemContext,
  served: ServedFunction,
  candidate: Candidate,
  replicas: number,
): void {
  const { min, max } = served.deployment.spec.scale;
  const wanted = Math.min(max, Math.max(min, replicas));
  while (served.instances.length < wanted) {
    if (hands.start(served, candidate) === undefined) return;
  }
  const byLoad = (a: PolicyInstance, b: PolicyInstance): number =>
    Number(a.isReady) - Number(b.isReady) || a.load - b.load;
  const surplus = served.instances.length - wanted;
  for (const instance of served.instances.toSorted(byLoad).slice(0, surplus)) {
    if (instance.load > 0) continue; // what it has it finishes; the next tick looks again
    hands.stop(served, instance);
  }
}
