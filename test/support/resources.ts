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
  /** Of each; default: no limit. */
  readonly gpuMemoryBytes?: number;
  /** How each of them is shared. */
  readonly gpuSharing?: GpuSharing;
}

export function nodeCapacity(node: FlatNode): NodeCapacity {
  const { name, labels, gpuPercents, gpuMemoryBytes = Infinity, gpuSharing, ...shared } = node;
  return {
    name,
    ...(labels === undefined ? {} : { labels }),
    shared,
    devices: gpuPercents.map((gpuPercent) => ({
      gpuPercent,
      gpuMemoryBytes,
      ...(gpuSharing === undefined ? {} : { sharing: gpuSharing }),
    })),
  };
}

/** What an instance of a config needs. */
export function resourcesOf(
  { cpuMillicores, gpuPercent }: Config,
  memoryBytes = 0,
  gpuMemoryBytes = 0,
): Resources {
  return {
    cpuMillicores,
    gpuPercent,
    memoryBytes,
    gpuMemoryBytes: gpuPercent === 0 ? 0 : gpuMemoryBytes,
  };
}

export function needsOf(config: Config, memoryBytes = 0, gpuMemoryBytes = 0): Vector {
  return vectorOf(resourcesOf(config, memoryBytes, gpuMemoryBytes));
}
