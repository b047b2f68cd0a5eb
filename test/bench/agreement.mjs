/**
 * Whether a cell's mean is what onnxruntime-node takes by itself under the same quota, and what a cell costs
 * beyond the time it measures.
 *
 *     npm run bench:agreement [-- --models mobilenet,mnist] [--rounds 5] [--json]
 *
 * Cell and bare loop take turns, each in processes of their own; the ratio is that of the medians of all
 * rounds.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { threadRule } from '../../dist/models/engines/engine.js';
import { canBatch } from '../../dist/models/manifest/manifest.js';
import { resolveModel } from '../../dist/models/resolve/resolve-model.js';
import { measureCell } from '../../dist/profiler/cell/measure-cell.js';
import { createSweepQuota, openSweepQuotas } from '../../dist/profiler/quota/measurement-quotas.js';
import { settingsOf } from '../../dist/profiler/sweep/sweep-options.js';
import { formatConfig } from '../../dist/profiles/config.js';
import { quantile } from '../../dist/profiles/statistics.js';
import { benchmark } from './support/program.mjs';

const OPTIONS = {
  models: { type: 'string', default: 'mobilenet,lstm-maxclass-2365,textcnn-69,mnist' },
  rounds: { type: 'string', default: '5' },
  json: { type: 'boolean', default: false },
};
const CONFIGS = [
  { batch: 1, cpuMillicores: 1000, gpuPercent: 0 },
  { batch: 8, cpuMillicores: 1000, gpuPercent: 0 },
  { batch: 1, cpuMillicores: 500, gpuPercent: 0 },
  { batch: 8, cpuMillicores: 2000, gpuPercent: 0 },
];

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const quotas = await openSweepQuotas({});
  const cells = [];
  for (const name of values.models.split(',')) {
    const model = await resolveModel(name);
    for (const config of CONFIGS) {
      if (config.batch > 1 && !canBatch(model.manifest)) continue;
      process.stderr.write(`${name} ${formatConfig(config)}\n`);
      cells.push(await compare(model, config, quotas, Number(values.rounds)));
    }
  }
  const off = cells.map(({ ratio }) => Math.abs(ratio - 1));
  const report = {
    benchmark: 'agreement',
    medianDifference: median(off),
    largestDifference: Math.max(...off),
    overheadMs: median(cells.map(({ overheadMs }) => overheadMs)),
    largestOverheadMs: Math.max(...cells.map(({ overheadMs }) => overheadMs)),
    cells,
  };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
});

async function compare(model, config, quotas, rounds) {
  const settings = settingsOf({});
  const ours = [];
  const bare = [];
  const overheads = [];
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now();
    const { cell, measuringMs } = await underQuota(quotas, config, (quota) =>
      measureCell({ model, config, shapes: {}, settings }, quota, undefined),
    );
    const wallMs = performance.now() - begin;
    ours.push(cell.latencyMs.mean);
    overheads.push(wallMs - measuringMs);
    const timeMs = cell.samples * cell.latencyMs.mean;
    bare.push(await underQuota(quotas, config, (quota) => bareMeanMs(model, config, quota, timeMs)));
    if (process.env.INFLESS_DEBUG) console.error(round, cell.latencyMs.mean, bare.at(-1));
  }
  return {
    model: model.manifest.name,
    config: formatConfig(config),
    cellMs: median(ours),
    bareMs: median(bare),
    ratio: median(ours) / median(bare),
    overheadMs: median(overheads),
  };
}

async function underQuota(quotas, { cpuMillicores }, action) {
  const quota = await createSweepQuota(quotas, cpuMillicores);
  try {
    return await action(quota);
  } finally {
    await quota.remove();
  }
}

async function bareMeanMs(model, { batch, cpuMillicores }, quota, timeMs) {
  const child = fork(fileURLToPath(new URL('./support/bare-loop.mjs', import.meta.url)));
  try {
    await once(child, 'message');
    await quota.attach(child.pid);
    child.send({ model, batch, threading: threadRule(cpuMillicores), timeMs });
    const [{ meanMs }] = await once(child, 'message');
    return meanMs;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
}

function median(values) {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

function print({ cells, medianDifference, largestDifference, overheadMs, largestOverheadMs }) {
  const table = new Table({
    head: ['model', 'config', 'cell', 'bare loop', 'cell ÷ bare', 'beside the cell'],
    style: { head: [], border: [], compact: true },
  });
  for (const cell of cells) {
    table.push([
      cell.model,
      cell.config,
      `${cell.cellMs.toPrecision(3)} ms`,
      `${cell.bareMs.toPrecision(3)} ms`,
      cell.ratio.toFixed(3),
      `${cell.overheadMs.toFixed(0)} ms`,
    ]);
  }
  console.log(table.toString());
  console.log(
    `a cell differs from the bare loop by ${percent(medianDifference)} in the median, ${percent(largestDifference)} at most; it takes ${overheadMs.toFixed(0)} ms beyond what it measures, ${largestOverheadMs.toFixed(0)} ms at most`,
  );
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
