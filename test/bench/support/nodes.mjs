/** A node as planners and the simulator take it. */
export function nodeOf({ name, cpuMillicores, memoryBytes, gpuPercents = [] }) {
  return {
    name,
    shared: { cpuMillicores, memoryBytes },
    devices: gpuPercents.map((gpuPercent) => ({ gpuPercent, gpuMemoryBytes: Infinity })),
  };
}
