/**
 * The paper's large run again, in virtual time: three models, their rates over some eight minutes, the
 * paper's tables and cluster, Poisson arrivals at those rates.
 *
 *     npm run bench:osvt -- --data FOLDER --slo 600 [--startup 1] [--seeds 10] [--json]
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { meanInterval } from '../../dist/autoscaler/simulation/intervals.js';
import { simulate } from '../../dist/autoscaler/simulation/simulate.js';
import { SYSTEMS, systemByName } from '../../dist/autoscaler/simulation/systems/systems.js';
import { boundOf, mean, publishedRun, ratioToBound, readOsvt, scenarioOf } from './support/osvt.mjs';
import { benchmark } from './support/program.mjs';

const OPTIONS = {
  data: { type: 'string', default: process.env.INFLESS_PAPER_DATA },
  slo: { type: 'string', default: '600' },
  startup: { type: 'string', default: '1' },
  policies: { type: 'string', default: SYSTEMS.map(({ name }) => name).join(',') },
  seed: { type: 'string', default: '1' },
  /** From --seed on, so many: means with their 95 % intervals, and paired differences from the first policy. */
  seeds: { type: 'string', default: '1' },
  /** Only so many seconds, for a quick look. */
  seconds: { type: 'string' },
  /** Coefficient of variation of what batches take, around the table. */
  noise: { type: 'string', default: '0' },
  /** How each minute went. */
  minutes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.data === undefined)
    throw new Error('Give the folder of the paper’s data: --data FOLDER, or INFLESS_PAPER_DATA.');
  const osvt = await readOsvt(values.data, Number(values.slo), Number(values.startup) * 1000);
  const seconds = Math.min(osvt.seconds, Number(values.seconds ?? osvt.seconds));
  const bounds = (await boundOf(osvt)).slice(0, seconds);
  const names = values.policies.split(',');
  const run = async (name, seed) => {
    const fromMs = performance.now();
    const scenario = scenarioOf(osvt, { seed, seconds, executionNoiseCv: Number(values.noise) });
    const result = await simulate(scenario, systemByName(name));
    return { result, figures: figuresOf(result, bounds, performance.now() - fromMs) };
  };
  const firstSeed = Number(values.seed);
  const policies = {};
  const functions = {};
  const minutes = {};
  const runs = {};
  for (const name of names) {
    const { result, figures } = await run(name, firstSeed);
    policies[name] = figures;
    functions[name] = result.functions;
    minutes[name] = minutesOf(result.timeline, bounds);
    runs[name] = [figures];
    for (let seed = firstSeed + 1; seed < firstSeed + Number(values.seeds); seed += 1) {
      runs[name].push((await run(name, seed)).figures);
    }
  }
  const feasible = bounds.filter((bound) => bound !== undefined);
  const report = {
    benchmark: 'osvt',
    sloMs: osvt.sloMs,
    startupMs: Number(values.startup) * 1000,
    seconds,
    droppedRows: osvt.dropped,
    bound: { meanGflops: mean(feasible), infeasibleShare: 1 - feasible.length / bounds.length },
    published: publishedRun(osvt, bounds),
    policies,
    functions,
    minutes,
    seeds: { first: firstSeed, count: Number(values.seeds) },
    intervals: Number(values.seeds) > 1 ? intervalsOf(runs) : null,
  };
  if (values.json) console.log(JSON.stringify(report));
  else print(report, values.minutes);
});

/** Mean and 95 % interval of each figure over the seeds, and of its differences from the first policy, seed by seed. */
function intervalsOf(runs) {
  const [first] = Object.values(runs);
  return Object.fromEntries(
    Object.entries(runs).map(([name, figures]) => [
      name,
      Object.fromEntries(
        Object.keys(figures[0]).map((key) => [
          key,
          {
            ...meanInterval(figures.map((each) => each[key])),
            fromFirst: meanInterval(figures.map((each, index) => each[key] - first[index][key])),
          },
        ]),
      ),
    ]),
  );
}

/** Minute by minute: price over bound, and what share of each function's requests was in time. */
function minutesOf(timeline, bounds) {
  return Array.from({ length: Math.ceil(bounds.length / 60) }, (_, minute) => {
    const from = minute * 60;
    const samples = timeline.slice(from, Math.min(from + 60, bounds.length));
    const inTimeShares = samples[0].functions.map((_function, index) => {
      const sum = (of) => samples.reduce((total, sample) => total + of(sample.functions[index]), 0);
      return (
        sum((each) => each.inTime) /
        Math.max(
          1,
          sum((each) => each.arrivals),
        )
      );
    });
    const price = samples.map((sample) => sample.price);
    return { resourceRatioToBound: ratioToBound(price, bounds.slice(from, from + 60)), inTimeShares };
  });
}

function figuresOf(result, bounds, wallMs) {
  return {
    resourceRatioToBound: ratioToBound(
      result.timeline.slice(0, bounds.length).map(({ price }) => price),
      bounds,
    ),
    inTimeShare: result.inTimeShare,
    violationShare: result.violationShare,
    scalingEfficiency: result.scalingEfficiency,
    fragmentation: result.fragmentation,
    coldStartShare: result.coldStartShare,
    movesPerMinute: result.movesPerMinute,
    meanGflops: result.meanPrice,
    meanCpuMillicores: result.meanCpuMillicores,
    meanGpuPercent: result.meanGpuPercent,
    requests: result.requests,
    wallSeconds: Number((wallMs / 1000).toFixed(1)),
  };
}

function print(report, withMinutes) {
  const { sloMs, startupMs, seconds, droppedRows, bound, published, policies, functions, minutes } = report;
  const dropped = droppedRows.map(({ model, rows, of }) => `${model} ${rows} of ${of}`).join(', ');
  console.log(
    `OSVT, SLO ${sloMs} ms, start-up ${startupMs / 1000} s, ${seconds} s; implausible table rows dropped: ${dropped}`,
  );
  console.log(
    `Bound: ${bound.meanGflops.toFixed(0)} GFLOPS on average, infeasible in ${percent(bound.infeasibleShare, 1)} of the seconds`,
  );
  const table = new Table({
    head: [
      '',
      '× bound',
      'GFLOPS',
      'cores',
      'GPU %',
      'in time',
      'efficiency',
      'fragments',
      'cold',
      'moves/min',
      'run s',
    ],
    style: { head: [], border: [] },
    colAligns: ['left', ...Array(10).fill('right')],
  });
  table.push([
    'published run',
    published.resourceRatioToBound.toFixed(2),
    published.meanGflops.toFixed(0),
    '',
    '',
    '',
    percent(published.scalingEfficiency, 1),
  ]);
  for (const [name, each] of Object.entries(policies)) {
    table.push([
      name,
      each.resourceRatioToBound.toFixed(2),
      each.meanGflops.toFixed(0),
      (each.meanCpuMillicores / 1000).toFixed(0),
      each.meanGpuPercent.toFixed(0),
      percent(each.inTimeShare, 2),
      percent(each.scalingEfficiency, 1),
      percent(each.fragmentation, 1),
      percent(each.coldStartShare, 2),
      each.movesPerMinute.toFixed(1),
      each.wallSeconds.toFixed(1),
    ]);
  }
  console.log(table.toString());
  if (report.intervals !== null) {
    printIntervals(report);
    return;
  }
  for (const [name, each] of Object.entries(functions)) {
    const parts = each.map(
      (f) =>
        `${f.name} ${percent(f.inTimeShare, 2)}, p50 ${f.p50Ms.toFixed(0)}, p99 ${f.p99Ms.toFixed(0)} ms`,
    );
    console.log(`${name.padEnd(10)} ${parts.join(' · ')}`);
    for (const [minute, { resourceRatioToBound, inTimeShares }] of withMinutes
      ? minutes[name].entries()
      : []) {
      const shares = inTimeShares.map((share) => percent(share, 1).padStart(8)).join('');
      console.log(
        `  minute ${minute + 1}: ${resourceRatioToBound.toFixed(2).padStart(6)} × bound, in time ${shares}`,
      );
    }
  }
}

function printIntervals({ intervals, seeds }) {
  const { first, count } = seeds;
  console.log(
    `Above: seed ${first}. Below: means over seeds ${first} to ${first + count - 1} ± 95 % intervals; in brackets differences from the first policy, seed by seed`,
  );
  const table = new Table({
    head: ['', '× bound', 'in time, %', 'cores', 'GPU %', 'cold, %'],
    style: { head: [], border: [] },
    colAligns: ['left', ...Array(5).fill('right')],
  });
  for (const [name, each] of Object.entries(intervals)) {
    const isFirst = name === Object.keys(intervals)[0];
    const cell = (key, factor, digits) => {
      const { mean, half, fromFirst } = each[key];
      const text = ({ mean: value, half: width }) =>
        `${(value * factor).toFixed(digits)} ± ${(width * factor).toFixed(digits)}`;
      return isFirst ? text({ mean, half }) : `${text({ mean, half })} (${text(fromFirst)})`;
    };
    table.push([
      name,
      cell('resourceRatioToBound', 1, 3),
      cell('inTimeShare', 100, 2),
      cell('meanCpuMillicores', 1 / 1000, 1),
      cell('meanGpuPercent', 1, 0),
      cell('coldStartShare', 100, 2),
    ]);
  }
  console.log(table.toString());
}

function percent(share, digits) {
  return `${(share * 100).toFixed(digits)} %`;
}
