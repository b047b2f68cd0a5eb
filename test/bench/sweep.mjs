/**
 * What the sparse sweep measures and how far it is off where it predicts: full tables against what the sweep
 * would have measured of them.
 *
 *     npm run bench:sweep [-- --json] [--models mnist,lstm-maxclass-2365] [--tables FOLDER] [--save FOLDER]
 *
 * Without tables, each model's whole grid is measured here first, which takes minutes a model. With a folder,
 * its tables (.json) and the artifact's texts (*profile-results.txt) are taken instead. Every error counts,
 * none is left out. `uncorrected` is the same error against what the clock said, the host being now faster,
 * now slower: no prediction of a surface can know that.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { threadRule } from '../../dist/models/engines/engine.js';
import { ZOO_MODELS } from '../../dist/models/zoo/index.js';
import { progressListener } from '../../dist/profiler/report/progress-line.js';
import { profileModel } from '../../dist/profiler/sweep/profile-model.js';
import { summarizeErrors } from '../../dist/profiler/sweep/sampling/held-out.js';
import { sparseStrategy } from '../../dist/profiler/sweep/sampling/strategy.js';
import { configKey } from '../../dist/profiles/config.js';
import { importTable } from '../../dist/profiles/import/index.js';
import { readTable, saveTable } from '../../dist/profiles/store.js';
import { predictCells } from '../../dist/profiles/surface/predict-cells.js';
import { benchmark } from './support/program.mjs';

const OPTIONS = {
  models: { type: 'string' },
  tables: { type: 'string' },
  save: { type: 'string' },
  json: { type: 'boolean', default: false },
};
const DEFAULT_ERROR = 0.05;
/** Imported tables have none. */
const DEFAULT_CONFIDENCE = { level: 0.95, relativeError: 0.03 };

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const models = [];
  for await (const table of values.tables === undefined ? measured(values) : stored(values.tables)) {
    models.push({ model: table.model.name, ...evaluate(table) });
  }
  const errors = models.flatMap((model) => model.errors);
  const cells = models.reduce((sum, model) => sum + model.cells, 0);
  const total = {
    measuredShare: (cells - errors.length) / cells,
    ...figures(errors),
    uncorrected: figures(models.flatMap((model) => model.uncorrected)),
  };
  if (values.json) console.log(JSON.stringify({ benchmark: 'sweep', ...total, models: models.map(short) }));
  else print(models.map(short), total);
});

async function* stored(folder) {
  for (const name of (await readdir(folder)).sort()) {
    const file = join(folder, name);
    if (name.endsWith('.json')) yield readTable(file);
    if (!name.endsWith('profile-results.txt')) continue;
    for (const { table } of importTable(await readFile(file, 'utf8'), file, {})) {
      yield { ...table, confidence: DEFAULT_CONFIDENCE };
    }
  }
}

async function* measured({ models, save }) {
  for (const name of models?.split(',') ?? ZOO_MODELS.map(({ name }) => name)) {
    const table = await profileModel(name, { full: true }, progressListener(process.stderr));
    if (save !== undefined) await saveTable(table, join(save, `${name}.json`));
    yield table;
  }
}

/** Plays the sweep on a table where everything is known. */
function evaluate({ cells, confidence, threading = [] }) {
  const known = new Map(cells.filter(({ predicted }) => !predicted).map((cell) => [configKey(cell), cell]));
  const all = [...known.values()];
  const first = all.reduce((best, cell) => (isEasier(cell, best) ? cell : best));
  const strategy = sparseStrategy({
    first,
    gridCells: all.length,
    level: confidence.level,
    error: DEFAULT_ERROR,
    insist: false,
    threadingOf: (config) => known.get(configKey(config)) ?? threadRule(config.cpuMillicores),
  });
  // What was tried for its threads is measured before the sweep begins.
  const seen = threading.flatMap(({ cpuMillicores, trials }) => {
    return known.get(configKey({ batch: trials[0].batch, cpuMillicores, gpuPercent: 0 })) ?? [];
  });
  for (;;) {
    const open = all.filter((cell) => !seen.includes(cell));
    const next = strategy.next(seen, open);
    if (next === undefined) break;
    seen.push(known.get(configKey(next)));
  }
  const rest = all.filter((cell) => !seen.includes(cell));
  const predictions = predictCells(seen, rest, confidence);
  const errors = rest.map((cell, index) =>
    Math.abs(predictions[index].latencyMs.mean / cell.latencyMs.mean - 1),
  );
  const uncorrected = rest.map(({ latencyMs, speedFactor = 1 }, index) =>
    Math.abs((predictions[index].latencyMs.mean / latencyMs.mean) * speedFactor - 1),
  );
  const inside = rest.filter(({ latencyMs }, index) => {
    const [low, high] = predictions[index].latencyMs.meanInterval;
    return low <= latencyMs.mean && latencyMs.mean <= high;
  });
  return {
    cells: all.length,
    measured: seen.length,
    disturbed: all.filter(({ verdicts }) => verdicts?.includes('noisy-host')).length,
    insideInterval: inside.length / Math.max(1, rest.length),
    errors,
    uncorrected,
  };
}

function isEasier(a, b) {
  return a.batch < b.batch || (a.batch === b.batch && a.cpuMillicores > b.cpuMillicores);
}

function short({ errors, uncorrected, ...model }) {
  const measuredShare = model.measured / model.cells;
  if (errors.length === 0) return { ...model, measuredShare };
  return { ...model, measuredShare, ...figures(errors), uncorrected: figures(uncorrected) };
}

function figures(errors) {
  const { median, p90, max } = summarizeErrors(errors);
  return { medianError: median, p90Error: p90, maxError: max };
}

function print(models, total) {
  const percent = (share) => (share === undefined ? '–' : `${(share * 100).toFixed(1)} %`);
  const table = new Table({
    head: ['model', 'cells', 'measured', 'disturbed', 'median', 'p90', 'max', 'inside interval'],
    style: { head: [], border: [], compact: true },
  });
  for (const each of models) {
    table.push([
      each.model,
      each.cells,
      percent(each.measuredShare),
      each.disturbed,
      percent(each.medianError),
      percent(each.p90Error),
      percent(each.maxError),
      percent(each.insideInterval),
    ]);
  }
  console.log(table.toString());
  console.log(
    `measured ${percent(total.measuredShare)} of the cells; of the others the error is ${percent(total.medianError)} in the median, ${percent(total.p90Error)} at p90, ${percent(total.maxError)} at most`,
  );
}
