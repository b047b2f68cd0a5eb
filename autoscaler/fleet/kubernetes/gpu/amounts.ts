import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { parseQuantity } from '../../../kubernetes/quantity.ts';

/** Resources by name: `cpu` in cores, `memory` in bytes, anything else in pieces. */
export type Amounts = ReadonlyMap<string, number>;

export function amountsOf(quantities: Readonly<Record<string, string>> = {}): Amounts {
  return new Map(Object.entries(quantities).map(([name, text]) => [name, parseQuantity(text)]));
}

/**
 * What the scheduler counts a pod as: all containers together, but at least what any of its first steps
 * needs.
 */
export function requestedBy({ spec }: V1Pod): Amounts {
  const isSidecar = ({ restartPolicy }: V1Container): boolean => restartPolicy === 'Always';
  const initial = spec?.initContainers ?? [];
  const sidecars = sumOf(initial.filter(isSidecar).map(requestsOf));
  const running = sumOf([...(spec?.containers ?? []).map(requestsOf), sidecars]);
  const steps = initial.filter((container) => !isSidecar(container)).map(requestsOf);
  const most = steps.reduce((all, step) => maxOf(all, sumOf([step, sidecars])), running);
  return sumOf([most, amountsOf(spec?.overhead)]);
}

export function sumOf(all: readonly Amounts[]): Amounts {
  const sum = new Map<string, number>();
  for (const amounts of all) {
    for (const [name, amount] of amounts) sum.set(name, (sum.get(name) ?? 0) + amount);
  }
  return sum;
}

function maxOf(one: Amounts, other: Amounts): Amounts {
  const most = new Map(one);
  for (const [name, amount] of other) most.set(name, Math.max(amount, most.get(name) ?? 0));
  return most;
}

function requestsOf({ resources }: V1Container): Amounts {
  return amountsOf(resources?.requests);
}
