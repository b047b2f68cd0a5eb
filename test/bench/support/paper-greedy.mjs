import { priceOf } from '../../../dist/autoscaler/cluster/price.js';
import { paperRateBand } from '../../../dist/autoscaler/planning/capacity/paper-rates.js';
import { amountsOf } from '../../../dist/models/base/resources.js';

/** An exact fit leaves nothing over; the artifact adds a thousandth, lest it be infinitely good. */
const FIT_MARGIN = 0.001;

/**
 * The scheduler of the paper (INFless, ASPLOS'22, §4.3), written plainly: function by function and instance
 * by instance, batch sizes from large to small, the config `i` whose `r_low` does not exceed the residual
 * rate and the node `j` with the largest `e_ij`, found by looking at all of them.
 */
export function paperGreedy(demands, nodes) {
  const free = nodes.map(freeNode);
  const start = [];
  for (const { name, sloMs, ratePerSecond, candidates } of demands) {
    const byBatch = configsByBatch(candidates, sloMs);
    let residual = ratePerSecond;
    while (residual > 0) {
      const best = bestOf(byBatch, residual, free);
      if (best === undefined) break;
      const gpu = take(best.node, best.config);
      start.push({ functionName: name, config: best.config.config, node: best.node.name, gpu });
      residual -= best.config.highPerSecond;
    }
  }
  return start;
}

/**
 * `e_ij = [r_up / (β·c_i + g_i)] / [1 − (β·c_i + g_i) / (β·C_j + G_j)]`, C and G being what node j has free.
 */
export function efficiency(highPerSecond, price, freePrice) {
  return highPerSecond / price / (1 + FIT_MARGIN - price / freePrice);
}

function bestOf(byBatch, residual, free) {
  for (const configs of byBatch) {
    let best;
    let highest = 0;
    for (const config of configs) {
      if (config.lowPerSecond > residual) continue;
      for (const node of free) {
        if (!fits(node, config)) continue;
        const e = efficiency(config.highPerSecond, config.price, node.price);
        if (e <= highest) continue;
        highest = e;
        best = { config, node };
      }
    }
    if (best !== undefined) return best;
  }
  return undefined;
}

/** The configs that keep the SLO with their rates, in groups of one batch size, the largest first. */
function configsByBatch(candidates, sloMs) {
  const groups = new Map();
  for (const candidate of candidates) {
    const band = paperRateBand(candidate, sloMs);
    if (band === undefined) continue;
    const { config, needs } = candidate;
    const entry = { config, ...amountsOf(needs), ...band, price: priceOf(config) };
    groups.set(config.batch, [...(groups.get(config.batch) ?? []), entry]);
  }
  return [...groups.entries()].sort(([a], [b]) => b - a).map(([, configs]) => configs);
}

function freeNode({ name, shared, devices }) {
  const { cpuMillicores, memoryBytes } = shared;
  const gpuPercents = devices.map(({ gpuPercent }) => gpuPercent);
  const gpuPercent = gpuPercents.reduce((sum, percent) => sum + percent, 0);
  const price = priceOf({ cpuMillicores, gpuPercent });
  return { name, cpuMillicores, memoryBytes, gpuPercents, price };
}

function fits(node, { cpuMillicores, memoryBytes, gpuPercent }) {
  if (node.cpuMillicores < cpuMillicores || node.memoryBytes < memoryBytes) return false;
  return gpuPercent === 0 || gpuFor(node, gpuPercent) >= 0;
}

/** The first GPU that has so much free, or −1. */
function gpuFor({ gpuPercents }, gpuPercent) {
  for (let gpu = 0; gpu < gpuPercents.length; gpu += 1) if (gpuPercents[gpu] >= gpuPercent) return gpu;
  return -1;
}

/** @returns which of the node's GPUs; undefined without a GPU share */
function take(node, { cpuMillicores, memoryBytes, gpuPercent, price }) {
  node.cpuMillicores -= cpuMillicores;
  node.memoryBytes -= memoryBytes;
  node.price -= price;
  if (gpuPercent === 0) return undefined;
  const gpu = gpuFor(node, gpuPercent);
  node.gpuPercents[gpu] -= gpuPercent;
  return gpu;
}
