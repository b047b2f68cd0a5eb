import type { Config } from '../../../profiles/config.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import { priceOf } from '../../cluster/price.ts';

/** What an instance holds of its node. */
export interface Holder {
  readonly config: Config;
  readonly node: string;
  readonly gpu?: number | undefined;
}

/**
 * Free resource that nothing can use, over all there is, by price: on nodes that are in use, the CPU into
 * which no config fits, and the share of a GPU into which, together with that CPU, no config fits.
 *
 * @param configs what could be started
 */
export function fragmentation(
  nodes: readonly NodeCapacity[],
  holders: readonly Holder[],
  configs: readonly Config[],
): number {
  const byNode = new Map<string, Holder[]>(nodes.map(({ name }) => [name, []]));
  for (const holder of holders) byNode.get(holder.node)?.push(holder);
  let wasted = 0;
  let total = 0;
  for (const node of nodes) {
    const gpuPercents = node.devices.map(({ gpuPercent }) => gpuPercent);
    let { cpuMillicores } = node.shared;
    total += price(cpuMillicores, sum(gpuPercents));
    const here = byNode.get(node.name)!;
    for (const { config, gpu } of here) {
      cpuMillicores -= config.cpuMillicores;
      if (gpu !== undefined) gpuPercents[gpu]! -= config.gpuPercent;
    }
    if (here.length === 0) continue;
    const fitting = configs.filter((config) => config.cpuMillicores <= cpuMillicores);
    const usable = gpuPercents.filter((free) =>
      fitting.some(({ gpuPercent }) => gpuPercent > 0 && gpuPercent <= free),
    );
    const cpuIsUsable = usable.length > 0 || fitting.some(({ gpuPercent }) => gpuPercent === 0);
    wasted += price(cpuIsUsable ? 0 : cpuMillicores, sum(gpuPercents) - sum(usable));
  }
  return total === 0 ? 0 : wasted / total;
}

function price(cpuMillicores: number, gpuPercent: number): number {
  return priceOf({ batch: 1, cpuMillicores, gpuPercent });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
