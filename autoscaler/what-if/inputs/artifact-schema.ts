import { z } from 'zod';
import type { NodeCapacity } from '../../cluster/node.ts';
import { type Cluster, LIMITLESS_BYTES } from './cluster.ts';

const share = z.number().min(0).max(1).default(0);

const gpuSchema = z.object({
  'cuda-device': z.number().int(),
  /** In MB. */
  'gpu-memory': z.number().min(0),
  'total-gpu-core-usage-rate': share,
});

const coreSchema = z.object({
  'cpu-core-index': z.number().int(),
  /** Instances bound to the core. */
  'total-func-instance': z.number().int().min(0).default(0),
});

const nodeSchema = z.object({
  /** `kubernetes.io/hostname=NAME` */
  'node-label': z.string().min(1),
  'cpu-thread-oversell': z.number().int().min(0).default(0),
  'gpu-core-oversell-percentage': z.number().min(0).default(0),
  'gpu-memory-oversell-rate': z.number().min(-1).default(0),
  'gpu-capacity': z.array(gpuSchema).default([]),
  'cpu-capacity': z.array(z.object({ 'socket-core': z.array(coreSchema) })).min(1),
});

/** Each core of the artifact's nodes runs two threads, and an instance bound to a core has both. */
const THREADS_PER_CORE = 2;

/**
 * The cluster description of the published INFless artifact (`clusterCapConfig-*.yml`): sockets with their
 * cores, GPUs, what of both is in use, and by how much they may be over-sold. A CPU thread counts as a core,
 * as the artifact's tables do.
 */
export const artifactClusterSchema = z
  .object({ 'cluster-capacity': z.array(nodeSchema).min(1, 'must name one node or more') })
  .transform((described): Cluster => ({ nodes: described['cluster-capacity'].map(nodeOf) }));

/** Whether it is of that shape, or means to be. */
export function isArtifactCluster(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'cluster-capacity' in data;
}

function nodeOf(described: z.output<typeof nodeSchema>): NodeCapacity {
  const sockets = described['cpu-capacity'];
  const freeCores = sockets
    .flatMap((socket) => socket['socket-core'])
    .filter((core) => core['total-func-instance'] === 0).length;
  const threads = freeCores * THREADS_PER_CORE + described['cpu-thread-oversell'] * sockets.length;
  // Device −1 stands for "no GPU" in the artifact's lists.
  const gpus = described['gpu-capacity'].filter((gpu) => gpu['cuda-device'] >= 0);
  const label = described['node-label'];
  return {
    name: label.slice(label.indexOf('=') + 1),
    shared: { cpuMillicores: threads * 1000, memoryBytes: LIMITLESS_BYTES },
    devices: gpus.map((gpu) => ({
      gpuPercent: freePercentOf(gpu, described),
      gpuMemoryBytes: gpu['gpu-memory'] * 1e6 * (1 + described['gpu-memory-oversell-rate']),
    })),
  };
}

function freePercentOf(gpu: z.output<typeof gpuSchema>, node: z.output<typeof nodeSchema>): number {
  return Math.max(0, 100 + node['gpu-core-oversell-percentage'] - 100 * gpu['total-gpu-core-usage-rate']);
}
