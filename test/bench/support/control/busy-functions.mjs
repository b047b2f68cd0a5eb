import { parseFunctionSpec } from '../../../../dist/autoscaler/functions/spec.js';
import { ServiceTimes } from '../../../../dist/autoscaler/latency/service-times.js';
import { percentileRateModel } from '../../../../dist/autoscaler/planning/capacity/percentile-rates.js';
import { planCluster } from '../../../../dist/autoscaler/planning/planner.js';
import { deploymentOf } from '../../../../dist/autoscaler/simulation/scenario.js';
import { importInflessText } from '../../../../dist/profiles/import/infless-text.js';
import { nodeOf } from '../nodes.mjs';

/** Slow ones, so that many instances go with few requests: it is instances that are to be many here. */
const MODELS = [
  { name: 'small', batchMs: 60, rowMs: 40, slo: '400ms' },
  { name: 'middling', batchMs: 120, rowMs: 80, slo: '800ms' },
  { name: 'large', batchMs: 200, rowMs: 200, slo: '1500ms' },
];
export const STARTUP_MS = 1_000;
/**
 * What the controller adds to what it measures, roughly: its headroom and a standard deviation of the rate.
 */
const SURPLUS = 1.25;

/** Functions that are called so often that each has about `instancesEach` instances. */
export function busyFunctions(count, instancesEach) {
  const kinds = MODELS.map((model) => kindOf(model, instancesEach));
  return Array.from({ length: count }, (_, rank) => {
    const { model, table, ratePerSecond } = kinds[rank % kinds.length];
    const name = `${model.name}-${rank}`;
    const image = 'example/serves'; // what pods of it do is played
    const declaration = { name, image, slo: model.slo };
    const spec = parseFunctionSpec(declaration, `function ${name}`);
    const deployment = deploymentOf({ spec, table, arrivals: [] });
    const workload = { ...deployment.workload, version: 'v1', model: image };
    return {
      name,
      ratePerSecond,
      declared: { origin: 'rest', declaration, deployment: { ...deployment, workload } },
    };
  });
}

function kindOf(model, instancesEach) {
  const lines = [1, 2].flatMap((cores) =>
    [1, 2, 4].map((batch) => {
      const latencyMs = (model.batchMs + model.rowMs * batch) / cores ** 0.8;
      return `${model.name} ${cores} 0 ${batch} ${latencyMs.toFixed(3)}`;
    }),
  );
  const [{ table }] = importInflessText(lines.join('\n'), { startupMs: STARTUP_MS, memoryBytes: 1e9 });
  return { model, table, ratePerSecond: rateFor(instancesEach, model, table) / SURPLUS };
}

/** The lowest rate for which so many instances are started. */
function rateFor(instances, { name, slo }, table) {
  const candidates = new ServiceTimes(table).candidates({ maxBatch: 4, percentile: 99, limits: {} });
  const nodes = [nodeOf({ name: 'node', cpuMillicores: 1e9, memoryBytes: 1e15 })];
  const startsAt = (rate) => {
    const demand = {
      name,
      sloMs: Number.parseInt(slo, 10),
      percentile: 99,
      ratePerSecond: rate,
      recentRatePerSecond: rate,
      arrivalCv: 1,
      minInstances: 0,
      warmInstances: 0,
      maxInstances: Number.MAX_SAFE_INTEGER,
      weight: 1,
      nodeSelector: {},
      candidates,
    };
    const cluster = { nodes, instances: [], leaving: [] };
    return planCluster({ demands: [demand], cluster, rates: percentileRateModel }).actions.length;
  };
  let low = 0;
  let high = 1;
  while (startsAt(high) < instances) high *= 2;
  while (high - low > 0.1) {
    const middle = (low + high) / 2;
    if (startsAt(middle) < instances) low = middle;
    else high = middle;
  }
  return high;
}
