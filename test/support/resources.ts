import type { NodeCapacity } from '../../autoscaler/cluster/node.ts';
import { type Resources, type Vector, vectorOf } from '../../models/base/resources.ts';
import type { Config } from '../../profiles/config.ts';
import type { GpuSharing } from '../../profiles/table.ts';

/** A node as tests write it down. */
export interface FlatNode {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  /** One entry a GPU. */
  readonly gpuPercents: readonly number[];
  /** How each of them is shared. */
  readonly gpuSharing?: GpuSharing;
}

export function nodeCapacity({ name, labels, gpuPercents, gpuSharing, ...shared }: FlatNode): NodeCapacity {
  return {
    name,
    ...(labels === undefined ? {} : { labels }),
    shared,
    devices: gpuPercents.map((gpuPercent) => ({
      gpuPercent,
      ...(gpuSharing === undefined ? {} : { sharing: gpuSharing }),
    })),
  };
}

/** What an instance of a config needs. */
export function resourcesOf({ cpuMillicores, gpuPercent }: Config, memoryBytes = 0): Resources {
  return { cpuMillicores, gpuPercent, memoryBytes };
}

export function needsOf(config: Config, memoryBytes = 0): Vector {
  return vectorOf(resourcesOf(config, memoryBytes));
}
