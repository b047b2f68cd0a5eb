import { parseFunctionSpec } from '../../../dist/autoscaler/functions/spec.js';
import { mmpp } from '../../../dist/autoscaler/simulation/arrivals/mmpp.js';
import { arrivalStream } from '../../../dist/autoscaler/simulation/streams.js';
import { arrivals } from '../../../dist/profiler/load/arrivals/arrivals.js';
import { rampedRate } from '../../../dist/profiler/load/arrivals/rates.js';
import { importInflessText } from '../../../dist/profiles/import/infless-text.js';
import { nodeOf } from './nodes.mjs';

export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * How unequally functions are called: requests a day of the function below which so many of all lie. After
 * the Azure Functions trace of 2019 (*Serverless in the Wild*, ATC'20, figure 5): 45 % are called once an
 * hour or less and 81 % once a minute or less. The top is such that 1,000 functions are called some 3.5
 * million times a day.
 */
const REQUESTS_A_DAY = [
  [0, 2],
  [0.45, 24],
  [0.81, 1_440],
  [0.95, 9_000],
  [0.99, 40_000],
  [1, 400_000],
];

/** Times in ms on one core of models of several sizes: start-up, each batch, and each row of it. */
const MODELS = [
  { name: 'small', startupMs: 600, batchMs: 8, rowMs: 4, slo: '100ms' },
  { name: 'middling', startupMs: 1_000, batchMs: 20, rowMs: 10, slo: '250ms' },
  { name: 'large', startupMs: 2_500, batchMs: 60, rowMs: 40, slo: '800ms' },
];

/** A day of many functions, as `simulate` takes it: most are hardly ever called, few are busy. */
export function busyDay({ functions, hours, seed }) {
  const tables = MODELS.map(tableOf);
  const perDay = Array.from({ length: functions }, (_, rank) => requestsADay((rank + 0.5) / functions));
  return {
    durationMs: hours * HOUR_MS,
    seed,
    nodes: nodesFor(functions),
    functions: perDay.map((requests, rank) => {
      const kind = rank % MODELS.length;
      const { name: model, slo } = MODELS[kind];
      const name = `${model}-${rank}`;
      return {
        spec: parseFunctionSpec({ name, model, slo }, `function ${name}`),
        table: tables[kind],
        arrivals: arrivalsOf(rank, requests, hours, arrivalStream(seed, name)),
      };
    }),
  };
}

/** Log-linear between the points above. */
function requestsADay(share) {
  const above = Math.max(
    1,
    REQUESTS_A_DAY.findIndex(([until]) => share <= until),
  );
  const [from, low] = REQUESTS_A_DAY[above - 1];
  const [until, high] = REQUESTS_A_DAY[above];
  return low * (high / low) ** ((share - from) / (until - from));
}

/** Three kinds, each of all sizes: timers, those that come in bursts, and people's, who sleep at night. */
function arrivalsOf(rank, requests, hours, seed) {
  const perSecond = requests / (DAY_MS / 1000);
  switch ((rank >> 1) % 4) {
    case 0:
      return periodic(DAY_MS / requests, ((rank * 0.618) % 1) * (DAY_MS / requests));
    case 1:
      return mmpp(
        [
          { ratePerSecond: perSecond * 3, meanStayMs: 4 * 60_000 },
          { ratePerSecond: perSecond / 3, meanStayMs: 12 * 60_000 },
        ],
        seed,
      );
    default:
      return arrivals(dayAndNight(perSecond, hours), { type: 'poisson' }, seed);
  }
}

function* periodic(everyMs, firstMs) {
  for (let atMs = firstMs; ; atMs += everyMs) yield atMs;
}

function dayAndNight(perSecond, hours) {
  const points = Array.from({ length: Math.ceil(hours) + 1 }, (_, hour) => ({
    atMs: hour * HOUR_MS,
    rate: perSecond * (1 - 0.6 * Math.cos((2 * Math.PI * hour) / 24)),
  }));
  return rampedRate(points);
}

/** CPU threads help less and less, a GPU helps a lot. */
function tableOf({ name, startupMs, batchMs, rowMs }) {
  const lines = [1, 2, 4].flatMap((cores) =>
    [0, 10, 20].flatMap((gpuPercent) =>
      [1, 2, 4, 8, 16].map((batch) => {
        const latencyMs = (batchMs + rowMs * batch) / (cores ** 0.7 * (1 + gpuPercent / 5));
        return `${name} ${cores} ${gpuPercent} ${batch} ${latencyMs.toFixed(3)}`;
      }),
    ),
  );
  return importInflessText(lines.join('\n'), { startupMs, memoryBytes: 1e9 })[0].table;
}

/** So many that nobody is ever short: a core for each function and as much again. */
function nodesFor(functions) {
  return Array.from({ length: Math.max(2, Math.ceil(functions / 16)) }, (_, index) =>
    nodeOf({
      name: `node-${index}`,
      cpuMillicores: 32_000,
      memoryBytes: 256e9,
      gpuPercents: index % 4 === 0 ? [100, 100] : [],
    }),
  );
}
