import { availableParallelism, totalmem } from 'node:os';
import type { NodeCapacity } from '../platform.ts';

export const LOCAL_NODE = 'local';

/** This machine as a node, without what is kept back for the autoscaler itself and whatever else runs here. */
export function thisMachine(reservedCpuMillicores: number): NodeCapacity {
  const limitBytes = process.constrainedMemory(); // of our container; 0 or beyond all memory where there is none
  return {
    name: LOCAL_NODE,
    cpuMillicores: Math.max(0, availableParallelism() * 1000 - reservedCpuMillicores),
    memoryBytes: limitBytes > 0 ? Math.min(limitBytes, totalmem()) : totalmem(),
    gpuPercents: [],
  };
}
