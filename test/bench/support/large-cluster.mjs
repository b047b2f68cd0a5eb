import { seededRandom } from '../../../dist/models/base/random.js';
import { vectorOf } from '../../../dist/models/base/resources.js';
import { nodeOf } from './nodes.mjs';

const BATCHES = [1, 2, 4, 8, 16];
const CPU_MILLICORES = [500, 1_000, 2_000, 4_000];
const GPU_PERCENTS = [0, 10, 20, 40];
/**
 * As many cores are as quick as a percent of a GPU's SMs: some models gain more from a GPU than its price,
 * some less.
 */
const CORES_PER_GPU_PERCENT = [0.5, 8];

/** Nodes like those of the paper's large simulation: CPU threads and two GPUs each. */
export function largeCluster(count) {
  return Array.from({ length: count }, (_, index) =>
    nodeOf({
      name: `node-${index}`,
      cpuMillicores: 16_000,
      memoryBytes: 128e9,
      gpuPercents: [100, 100],
    }),
  );
}

/**
 * Functions with tables of their own, of models from a few to a few hundred ms, and SLOs that some configs
 * keep.
 */
export function manyFunctions(count, seed) {
  const random = seededRandom(seed);
  const between = (low, high) => low * (high / low) ** random();
  return Array.from({ length: count }, (_, index) => {
    const batchMs = between(2, 40);
    const rowMs = between(1, 40);
    const perGpuPercent = between(...CORES_PER_GPU_PERCENT);
    const candidates = tableOf({
      batchMs,
      rowMs,
      perGpuPercent,
      tail: between(1.05, 1.6),
      memoryBytes: between(2e8, 4e9),
      startupMs: between(500, 5_000),
    });
    return {
      name: `function-${index}`,
      sloMs: Math.ceil(between(1.5, 8) * (batchMs + rowMs)),
      percentile: 99,
      arrivalCv: [1, 1.5, 2][index % 3],
      minInstances: 0,
      warmInstances: 0,
      maxInstances: Number.MAX_SAFE_INTEGER,
      candidates,
      /** Of all requests, to be multiplied: some functions are called a hundred times as often as others. */
      popularity: between(1, 100) / (batchMs + rowMs),
    };
  });
}

/** What all functions ask for, in the same proportions, `scale` times their popularity each. */
export function demandsAt(functions, scale) {
  return functions.map(({ popularity, ...each }) => {
    const ratePerSecond = popularity * scale;
    return { ...each, ratePerSecond, recentRatePerSecond: ratePerSecond };
  });
}

/**
 * The least scale, within a thousandth, at which so many instances are started; what is started at one is
 * told.
 */
export function scaleFor(instances, startsAt) {
  let high = 1;
  while (startsAt(high) < instances) high *= 2;
  let low = high / 2;
  while (high / low > 1.001) {
    const middle = (low + high) / 2;
    if (startsAt(middle) < instances) low = middle;
    else high = middle;
  }
  return high;
}

function tableOf({ batchMs, rowMs, perGpuPercent, tail, memoryBytes, startupMs }) {
  return GPU_PERCENTS.flatMap((gpuPercent) =>
    CPU_MILLICORES.flatMap((cpuMillicores) =>
      BATCHES.map((batch) => {
        // The more there is of it, the less another piece brings.
        const speed = (cpuMillicores / 1000) ** 0.8 + (perGpuPercent * gpuPercent) ** 0.9;
        const meanMs = (batchMs + rowMs * batch) / speed;
        const config = { batch, cpuMillicores, gpuPercent };
        const needs = vectorOf({ cpuMillicores, gpuPercent, memoryBytes });
        return { config, meanMs, tailMs: meanMs * tail, needs, startupMs };
      }),
    ),
  );
}
