import { ServiceTimes } from '../../../../dist/autoscaler/latency/service-times.js';
import { percentileRateModel } from '../../../../dist/autoscaler/planning/capacity/percentile-rates.js';
import { bestConfig, carriedBy } from '../../../../dist/profiles/best-config.js';
import { formatConfig } from '../../../../dist/profiles/config.js';

const PERCENTILE = 99;
/** Two of half a core each are what two cores have room for beside a load generator. */
const SET = { instances: 2, cpuMillicores: 500 };

/** What the summary's "Best for" says of an instance; undefined where it names none. */
export function instancePromise(table, sloMs) {
  const slo = { sloMs, percentile: PERCENTILE };
  const config = bestConfig(table, slo);
  if (config === undefined) return undefined;
  return promise('instance', config, 1, carriedBy(table, config, slo), table);
}

/** What the planner says of the best set of its size; undefined where no config keeps the SLO. */
export function setPromise(table, sloMs) {
  const slo = { sloMs, percentile: PERCENTILE, arrivalCv: 1 };
  const sets = new ServiceTimes(table)
    .candidates({ maxBatch: Number.POSITIVE_INFINITY, percentile: PERCENTILE })
    .filter(({ config }) => config.cpuMillicores === SET.cpuMillicores)
    .map((candidate) => ({
      config: candidate.config,
      rate: percentileRateModel.capacityPerSecond(Array(SET.instances).fill(candidate), slo),
    }))
    .filter(({ rate }) => rate > 0)
    .sort((a, b) => b.rate - a.rate);
  const [best] = sets;
  return best && promise('set', best.config, SET.instances, best.rate, table);
}

function promise(kind, { batch, cpuMillicores, gpuPercent }, instances, ratePerSecond, table) {
  const config = { batch, cpuMillicores, gpuPercent };
  const cell = table.cells.find(
    (each) => each.batch === batch && each.cpuMillicores === cpuMillicores && each.gpuPercent === gpuPercent,
  );
  /** That many run if nothing but running takes time. */
  const fluidPerSecond = (instances * batch * 1000) / cell.latencyMs.mean;
  return {
    kind,
    config,
    instances,
    ratePerSecond,
    fluidPerSecond,
    text: `${instances > 1 ? `${instances} × ` : ''}${formatConfig(config)}`,
  };
}

/** By the table's own cell of one row and one core, which each model has. */
export function loneP99Ms({ cells }) {
  return cells.find(({ batch, cpuMillicores }) => batch === 1 && cpuMillicores === 1000).latencyMs.p99;
}
