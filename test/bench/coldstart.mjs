/**
 * Policies of keeping and pre-warming the last instance, side by side on functions that are rarely asked for:
 * idle instance time against cold starts, in virtual time.
 *
 *     npm run bench:coldstart [-- --data FOLDER] [--functions 40] [--days 7] [--startup 3s] [--seeds 10]
 *       [--own ./keep-alive.mjs] [--json]
 */
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { KEEP_ALIVE_POLICIES } from '../../dist/autoscaler/demand/keepalive/policies.js';
import { meanInterval } from '../../dist/autoscaler/simulation/intervals.js';
import { totalsOf } from '../../dist/autoscaler/simulation/keepalive/compare.js';
import { matchColdStarts } from '../../dist/autoscaler/simulation/keepalive/matched.js';
import {
  SYNTHETIC_TRACES,
  sparseTrace,
  syntheticTrace,
} from '../../dist/autoscaler/simulation/keepalive/traces.js';
import { parseDurationMs } from '../../dist/models/base/units.js';
import { readTrace } from '../../dist/profiler/load/arrivals/trace-file.js';
import { benchmark } from './support/program.mjs';

const DAY_MS = 86_400_000;

const OPTIONS = {
  /** The folder of the paper's data: adds its two rate traces, made sparse. */
  data: { type: 'string', default: process.env.INFLESS_PAPER_DATA },
  /**
   * What a sample of those traces stands for: as ten minutes their 1,007 samples are a week, with a week's
   * days.
   */
  interval: { type: 'string', default: '10m' },
  functions: { type: 'string', default: '40' },
  days: { type: 'string', default: '7' },
  seed: { type: 'string', default: '1' },
  /** From --seed on, so many: means with their 95 % intervals. */
  seeds: { type: 'string', default: '1' },
  /** A file that exports keepAlive, to be compared as well; see docs/policies.md. */
  own: { type: 'string' },
  startup: { type: 'string', default: '3s' },
  execution: { type: 'string', default: '100ms' },
  /** Of the fixed policy, and what a cold start is worth in idle time. */
  'keep-alive': { type: 'string', default: '10m' },
  json: { type: 'boolean', default: false },
};

/** What the paper claims of LSTH against the hybrid histogram. */
const CLAIM = { idle: 0.24, coldStarts: 0.17 };

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const settings = {
    startupMs: parseDurationMs(values.startup, 'start-up time'),
    executionMs: parseDurationMs(values.execution, 'execution time'),
    keepAliveMs: parseDurationMs(values['keep-alive'], 'keep-alive'),
  };
  const first = positive(values.seed, '--seed');
  const seeds = Array.from({ length: positive(values.seeds, '--seeds') }, (_, index) => first + index);
  const makers = Object.fromEntries(KEEP_ALIVE_POLICIES.map((name) => [name, name]));
  if (values.own !== undefined) Object.assign(makers, await ownPolicy(values.own));
  const runs = [];
  for (const seed of seeds) {
    const traces = {};
    for (const { name, functions, untilMs } of await tracesOf({ ...values, seed: String(seed) })) {
      traces[name] = compare(functions, { ...settings, untilMs }, makers);
    }
    runs.push(traces);
  }
  const [traces] = runs;
  const intervals = seeds.length > 1 ? intervalsOf(runs) : null;
  if (values.json)
    console.log(JSON.stringify({ benchmark: 'coldstart', ...settings, seeds, traces, intervals }));
  else if (intervals === null) print(traces, settings);
  else printIntervals(intervals, seeds);
});

async function ownPolicy(file) {
  const { keepAlive } = await import(pathToFileURL(resolve(file)).href);
  if (typeof keepAlive !== 'function') throw new Error(`${file} exports no function named keepAlive.`);
  return {
    [basename(file).replace(/\.m?js$/, '')]: (keepAliveMs) =>
      keepAlive({ functionName: 'function', keepAliveMs }),
  };
}

/** Mean and 95 % interval over the runs of every number, wherever it is. */
function intervalsOf(runs) {
  const [first] = runs;
  if (typeof first === 'number') return meanInterval(runs);
  if (typeof first !== 'object' || first === null) return first;
  return Object.fromEntries(
    Object.keys(first).map((key) => [key, intervalsOf(runs.map((run) => run?.[key] ?? first[key]))]),
  );
}

function printIntervals(traces, seeds) {
  console.log(`Means over seeds ${seeds[0]} to ${seeds.at(-1)} ± 95 % intervals.\n`);
  const text = ({ mean, half }, factor, digits) =>
    `${(mean * factor).toFixed(digits)} ± ${(half * factor).toFixed(digits)}`;
  const change = ({ mean, half }) =>
    `${mean > 0 ? '−' : '+'}${Math.abs(mean * 100).toFixed(1)} ± ${(half * 100).toFixed(1)}`;
  const main = table({
    head: ['trace', 'policy', 'idle instance-hours', 'cold requests, %', 'cost, hours'],
    colAligns: ['left', 'left', 'right', 'right', 'right'],
  });
  const rivals = table({
    head: [
      'trace',
      'LSTH − hybrid: idle, %',
      'cold, %',
      'tournament as hybrid: idle, %',
      'cold, %',
      'as LSTH: idle, %',
      'cold, %',
    ],
    colAligns: ['left', ...Array(6).fill('right')],
  });
  for (const [name, { policies, lsthAgainstHybrid, tournamentMatching }] of Object.entries(traces)) {
    for (const [policy, each] of Object.entries(policies)) {
      main.push([
        policy === KEEP_ALIVE_POLICIES[0] ? name : '',
        policy,
        text(each.idleResourceSeconds, 1 / 3600, 0),
        text(each.coldStartShare, 100, 2),
        text(each.costSeconds, 1 / 3600, 0),
      ]);
    }
    const changes = [lsthAgainstHybrid, ...Object.values(tournamentMatching)].flatMap((match) =>
      match === undefined ? ['—', '—'] : [change(match.idleSaving), change(match.coldStartSaving)],
    );
    rivals.push([name, ...changes]);
  }
  console.log(main.toString());
  console.log(
    '\nMore (+) or less (−): LSTH against the hybrid histogram; the tournament at the price at which it has as few cold starts as either.\n',
  );
  console.log(rivals.toString());
}

async function tracesOf({ data, interval, functions: count, days, seed }) {
  const options = {
    functions: positive(count, '--functions'),
    durationMs: positive(days, '--days') * DAY_MS,
    seed: positive(seed, '--seed'),
  };
  const traces = SYNTHETIC_TRACES.map((name) => ({
    name,
    functions: syntheticTrace(name, options),
    untilMs: options.durationMs,
  }));
  if (data === undefined) return traces;
  const intervalMs = parseDurationMs(interval, 'interval');
  for (const [name, file] of [
    ['paperBursty', 'Bursty.txt'],
    ['paperPeriodic', 'Periodic.txt'],
  ]) {
    const rates = await readTrace(join(data, file));
    traces.push({
      name,
      functions: sparseTrace(rates, intervalMs, options),
      untilMs: rates.length * intervalMs,
    });
  }
  return traces;
}

function positive(text, option) {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${option} "${text}" is not a whole number above zero.`);
}

function compare(trace, options, makers) {
  const policies = Object.fromEntries(
    Object.entries(makers).map(([name, maker]) => [name, totalsOf(maker, trace, options)]),
  );
  const { hybrid, lsth } = policies;
  const claim = savings(lsth, hybrid);
  return {
    policies,
    lsthAgainstHybrid: {
      ...claim,
      reached: claim.idleSaving >= CLAIM.idle && claim.coldStartSaving >= CLAIM.coldStarts,
    },
    tournamentMatching: { hybrid: matched(hybrid, trace, options), lsth: matched(lsth, trace, options) },
  };
}

function matched(rival, trace, options) {
  const match = matchColdStarts(rival, trace, options);
  if (match === undefined) return undefined;
  return {
    coldStartPriceSeconds: match.coldStartPriceSeconds,
    ...savings(match.totals, rival),
    ...match.totals,
  };
}

function savings(ours, theirs) {
  return {
    idleSaving: 1 - ours.idleResourceSeconds / theirs.idleResourceSeconds,
    coldStartSaving: 1 - ours.coldStartShare / theirs.coldStartShare,
  };
}

function print(traces, { startupMs, executionMs, keepAliveMs }) {
  const minutes = keepAliveMs / 60_000;
  console.log(
    `Starting takes ${startupMs} ms, a request ${executionMs} ms. Cost: idle time, and ${minutes} min of it for each cold start.\n`,
  );
  const main = table({
    head: [
      'trace',
      'policy',
      'idle instance-hours',
      'cold requests',
      'cold starts',
      'pre-warms',
      'cost, hours',
    ],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
  });
  for (const [name, { policies }] of Object.entries(traces)) {
    for (const [policy, each] of Object.entries(policies)) {
      main.push([
        policy === KEEP_ALIVE_POLICIES[0] ? name : '',
        policy,
        hours(each.idleResourceSeconds),
        percent(each.coldStartShare),
        each.coldStarts,
        each.prewarms,
        hours(each.costSeconds),
      ]);
    }
  }
  console.log(main.toString());
  console.log(
    `\nLSTH against the hybrid histogram (claimed: ${percent(CLAIM.idle)} less idle and ${percent(CLAIM.coldStarts)} fewer cold starts),\n` +
      'and the tournament with the price at which it has as few cold starts as either. Negative: more.\n',
  );
  const rivals = table({
    head: [
      'trace',
      'LSTH: idle',
      'cold',
      'claim',
      'tournament as hybrid: idle',
      'cold',
      'as LSTH: idle',
      'cold',
    ],
    colAligns: ['left', 'right', 'right', 'left', 'right', 'right', 'right', 'right'],
  });
  for (const [name, { lsthAgainstHybrid: claim, tournamentMatching }] of Object.entries(traces)) {
    rivals.push([
      name,
      ...saved(claim),
      claim.reached ? 'holds' : 'fails',
      ...Object.values(tournamentMatching).flatMap(saved),
    ]);
  }
  console.log(rivals.toString());
}

function table(options) {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  return new Table({ ...options, chars, style: { head: [], border: [], compact: true } });
}

function saved(match) {
  if (match === undefined) return ['—', '—'];
  return [match.idleSaving, match.coldStartSaving].map(
    (saving) => `${saving > 0 ? '−' : '+'}${percent(Math.abs(saving))}`,
  );
}

function hours(seconds) {
  return (seconds / 3600).toFixed(0);
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
