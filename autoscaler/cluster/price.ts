import type { Config } from '../../profiles/config.ts';

/**
 * What a config costs, in GFLOPS of the paper's hardware: 64 a CPU thread, 142 a percent of one GPU's SMs
 * (the artifact's figures for its nodes). Only the ratio matters to the planner: it is the paper's β.
 */
export const GFLOPS_PER_CORE = 64;
export const GFLOPS_PER_GPU_PERCENT = 142;

export function priceOf(config: Config): number {
  return (config.cpuMillicores / 1000) * GFLOPS_PER_CORE + config.gpuPercent * GFLOPS_PER_GPU_PERCENT;
}
