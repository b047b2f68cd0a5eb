import { totalmem } from 'node:os';
import { availableCpuMillicores } from '../../../profiler/quota/cpu-limit.ts';
import type { NodeCapacity } from '../platform.ts';

export const LOCAL_NODE = 'local';

/** This machine as a node, without what is kept back for the autoscaler itself and whatever else runs here. */
export async function thisMachine(
  reservedCpuMillicores: number,
  gpuPercents: readonly number[],
): Promise<NodeCapacity> {
  const limitBytes = process.constrainedMemory(); // of our container; 0 or beyond all memory where there is none
  return {
    name: LOCAL_NODE,
    cpuMillicores: Math.max(0, (await availableCpuMillicores()) - reservedCpuMillicores),
    memoryBytes: limitBytes > 0 ? Math.min(limitBytes, totalmem()) : totalmem(),
    gpuPercents,
  };
}
