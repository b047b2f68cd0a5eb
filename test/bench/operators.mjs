/**
 * How well a model that was never measured is predicted from operators of others: each model is left out in
 * turn, predicted from the rest, and compared with its measured table. No cell is left out of the errors.
 *
 *     npm run bench:operators [-- mobilenet model.onnx …] [--shape x=1,3,48,192] [--cells 3] [--json]
 *
 * Operators and tables are kept in the cache; what is there already is not measured again
 * (INFLESS_CACHE_DIR=$(mktemp -d) starts anew).
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { engineFor } from '../../dist/models/engines/index.js';
import { resolveModel } from '../../dist/models/resolve/resolve-model.js';
import { ZOO_NAMES } from '../../dist/models/zoo/names.js';
import { parseShape } from '../../dist/profiler/commands/options.js';
import { calibrationModels } from '../../dist/profiler/operators/database/calibration.js';
import { databaseFile, readDatabase } from '../../dist/profiler/operators/database/database.js';
import { gatherDatabase, shapesOf } from '../../dist/profiler/operators/database/gather-database.js';
import { evaluateLeftOut } from '../../dist/profiler/operators/prediction/evaluate.js';
import { profileModel } from '../../dist/profiler/sweep/profile-model.js';
import { readHost, sameHost } from '../../dist/profiles/host.js';
import { findTable } from '../../dist/profiles/store.js';
import { benchmark } from './support/program.mjs';

const OPTIONS = {
  /** Measured cells that correct a prediction, for the second figure. */
  cells: { type: 'string', default: '3' },
  /** Sizes of free dimensions, of whichever model has an input of that name. */
  shape: { type: 'string', multiple: true, default: [] },
  /** Times that all operators are gathered. */
  rounds: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const references = positionals.length > 0 ? positionals : ZOO_NAMES;
  const shapes = values.shape.reduce((earlier, text) => parseShape(text, earlier), {});
  const host = await readHost();
  const database = await gathered(
    references,
    { shapes, rounds: Number(values.rounds) },
    databaseFile(host, engineFor('onnx').version),
  );
  const models = [];
  for (const reference of references) {
    const { manifest } = await resolveModel(reference);
    const cells = await measuredCells(reference, manifest, shapesOf(manifest, shapes), host);
    const left = database.models.find(({ digest }) => digest === manifest.digest);
    const others = database.models.filter(({ digest }) => digest !== manifest.digest);
    models.push({ model: manifest.name, ...evaluateLeftOut(left, others, cells, Number(values.cells)) });
  }
  const report = { benchmark: 'operators', cpuModel: host.cpuModel, loadAverage: loadavg(), models };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
});

async function gathered(references, settings, file) {
  const known = new Set(((await readDatabase(file))?.models ?? []).map(({ digest }) => digest));
  const missing = [];
  for (const reference of [...(await calibrationModels()), ...references]) {
    if (!known.has((await resolveModel(reference)).manifest.digest)) missing.push(reference);
  }
  const options = { batches: [1, 4, 16], budgetMs: 300, calibration: false, ...settings };
  await gatherDatabase(missing, options, (model) => process.stderr.write(`operators of ${model}\n`));
  return readDatabase(file);
}

async function measuredCells(reference, { digest }, shapes, host) {
  const stored = await findTable(digest);
  const isOurs = stored !== undefined && sameHost(stored.table.host, host);
  if (!isOurs) process.stderr.write(`table of ${reference}\n`);
  const table = isOurs ? stored.table : await profileModel(reference, { full: true, shapes });
  return table.cells.filter(({ gpuPercent, predicted }) => gpuPercent === 0 && predicted !== true);
}

function print({ cpuModel, loadAverage, models }) {
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const triple = ({ medianError, p90Error, maxError }) =>
    [medianError, p90Error, maxError].map(percent).join(' / ');
  const table = new Table({
    head: ['model', 'cells', 'never measured', 'corrected', 'CPU time', 'unknown'],
    style: { head: [], border: [] },
  });
  for (const { model, neverMeasured, corrected, cpuTime, unknownShare } of models) {
    table.push([
      model,
      neverMeasured.cells,
      triple(neverMeasured),
      triple(corrected),
      triple(cpuTime),
      percent(unknownShare),
    ]);
  }
  console.log(table.toString());
  console.log(`median / p90 / max error; ${cpuModel}, load average ${loadAverage[0].toFixed(1)}`);
}
