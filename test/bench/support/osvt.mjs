import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { priceOf } from '../../../dist/autoscaler/cluster/price.js';
import { parseFunctionSpec } from '../../../dist/autoscaler/functions/spec.js';
import { paperRateBand } from '../../../dist/autoscaler/planning/capacity/paper-rates.js';
import { arrivalStream } from '../../../dist/autoscaler/simulation/streams.js';
import { arrivalsOf } from '../../../dist/autoscaler/what-if/inputs/load.js';
import { InflessError } from '../../../dist/models/base/errors.js';
import { steppedRate } from '../../../dist/profiler/load/arrivals/rates.js';
import { readInflessText } from '../../../dist/profiles/import/infless-text.js';
import { lpBound } from './lp-bound.mjs';
import { nodeOf } from './nodes.mjs';

/**
 * The application of the paper's large run: it calls three models on each picture of a second-hand vehicle.
 */
const MODELS = ['ssd', 'mobilenet', 'resnet-50'];

/**
 * 4 nodes of 3 sockets of 10 cores of 2 threads, and 3 GPUs. Memory is not in the tables and limits nothing.
 */
const NODES = Array.from({ length: 4 }, (_, index) =>
  nodeOf({
    name: `node-${index + 1}`,
    cpuMillicores: 60_000,
    memoryBytes: 256e9,
    gpuPercents: [100, 100, 100],
  }),
);

const SECOND_MS = 1000;

/** Before what is measured, the first second's rate comes for so long: the published run begins warm, too. */
export const WARM_UP_SECONDS = 60;

/** The paper's second-hand-vehicle application: tables, rates and the published system's own run. */
export async function readOsvt(folder, sloMs, startupMs) {
  const tables = [];
  const dropped = [];
  const runs = [];
  for (const model of MODELS) {
    const [imported] = await readInflessText(join(folder, `${model}-profile-results.txt`), { startupMs });
    tables.push(imported.table);
    dropped.push({
      model,
      rows: imported.dropped.length,
      of: imported.table.cells.length + imported.dropped.length,
    });
    runs.push(await readRun(join(folder, `osvt-${model}-slo${sloMs}ms.csv`)));
  }
  const seconds = Math.min(...runs.map((run) => run.length));
  return {
    models: MODELS,
    sloMs,
    tables,
    dropped,
    seconds,
    runs: runs.map((run) => run.slice(0, seconds)),
    nodes: NODES,
  };
}

/**
 * One row a second: rps, capacity max, capacity min, CPU threads, CPU GFLOPS, GPU %, GPU GFLOPS, total
 * GFLOPS.
 */
async function readRun(file) {
  const text = await readFile(file, 'utf8').catch((error) => {
    throw new InflessError('INVALID_INPUT', `The published run ${file} cannot be read`, {
      remedy:
        'Give the folder of the INFless artifact’s data files, and an SLO for which it has a run (200, 600).',
      cause: error,
    });
  });
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      const values = line.split(',').map(Number);
      if (values.length !== 8 || values.some((value) => !Number.isFinite(value))) {
        throw new InflessError('INVALID_INPUT', `${file}, line ${index + 1}: "${line}" is not eight numbers`);
      }
      const [ratePerSecond, capacityPerSecond] = values;
      return { ratePerSecond, capacityPerSecond, gflops: values[7] };
    });
}

/**
 * The bound for each second, undefined where the cluster cannot carry its rates whatever it does: configs
 * that the paper deems feasible (t ≤ T/2, or T without batching) at b / t requests a second.
 */
export async function boundOf(osvt) {
  const functions = osvt.tables.map((table) =>
    table.cells.flatMap(({ batch, cpuMillicores, gpuPercent, latencyMs }) => {
      const config = { batch, cpuMillicores, gpuPercent };
      const isFeasible = paperRateBand({ config, tailMs: latencyMs.mean }, osvt.sloMs) !== undefined;
      return isFeasible
        ? [{ ...config, price: priceOf(config), ratePerSecond: (batch * 1000) / latencyMs.mean }]
        : [];
    }),
  );
  const total = (of) => osvt.nodes.reduce((sum, node) => sum + of(node), 0);
  const bound = await lpBound(functions, {
    cpuMillicores: total(({ shared }) => shared.cpuMillicores),
    gpuPercent: total(({ devices }) => devices.reduce((sum, { gpuPercent }) => sum + gpuPercent, 0)),
  });
  return Array.from({ length: osvt.seconds }, (_, second) =>
    bound.cheapest(osvt.runs.map((run) => run[second].ratePerSecond)),
  );
}

/**
 * A fresh scenario: arrivals can be read once. It is the run that `infless-autoscaler plan` makes of the same
 * rates and seed.
 */
export function scenarioOf(osvt, { seed, seconds = osvt.seconds, executionNoiseCv = 0 }) {
  return {
    nodes: osvt.nodes,
    warmUpMs: WARM_UP_SECONDS * SECOND_MS,
    durationMs: (WARM_UP_SECONDS + seconds) * SECOND_MS,
    seed,
    executionNoiseCv,
    functions: osvt.models.map((name, index) => {
      const rates = osvt.runs[index].map(({ ratePerSecond }) => ratePerSecond);
      const load = { type: 'rate', curve: steppedRate(rates, SECOND_MS) };
      return {
        spec: parseFunctionSpec(
          { name, model: name, slo: `${osvt.sloMs}ms`, scale: { max: 10_000 } },
          `function ${name}`,
        ),
        table: osvt.tables[index],
        arrivals: arrivalsOf(
          load,
          { type: 'poisson' },
          WARM_UP_SECONDS * SECOND_MS,
          arrivalStream(seed, name),
        ),
      };
    }),
  };
}

/** Price held over the bound, in the seconds in which there is one: the ratio of their means. */
export function ratioToBound(pricePerSecond, bounds) {
  let price = 0;
  let bound = 0;
  pricePerSecond.forEach((each, second) => {
    if (bounds[second] === undefined) return;
    price += each;
    bound += bounds[second];
  });
  return price / bound;
}

/** The published system's own use of resources and of its capacity, second by second. */
export function publishedRun(osvt, bounds) {
  const seconds = Array.from({ length: bounds.length }, (_, second) => osvt.runs.map((run) => run[second]));
  const efficiencies = seconds.flatMap((functions) =>
    functions.flatMap(({ ratePerSecond, capacityPerSecond }) =>
      capacityPerSecond > 0 ? [Math.min(1, ratePerSecond / capacityPerSecond)] : [],
    ),
  );
  const gflops = seconds.map((functions) => functions.reduce((sum, each) => sum + each.gflops, 0));
  return {
    resourceRatioToBound: ratioToBound(gflops, bounds),
    meanGflops: mean(gflops),
    scalingEfficiency: mean(efficiencies),
  };
}

export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
