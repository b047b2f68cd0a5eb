/**
 * Whether deciding takes longer than in another build: both decide the same in turn, in one process, many
 * times. What is told is the median over all pairs of the time of this build over that of the other. Both
 * must come to the same moves.
 *
 *     git worktree add /tmp/before main && (cd /tmp/before && npm ci)
 *     npm run bench:planner -- --against /tmp/before [--pairs 45] [--nodes 2000] [--functions 40] [--seed 1]
 *       [--json]
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { percentileRateModel } from '../../dist/autoscaler/planning/capacity/percentile-rates.js';
import { planCluster } from '../../dist/autoscaler/planning/planner.js';
import { demandsAt, largeCluster, manyFunctions, scaleFor } from './support/large-cluster.mjs';
import { benchmark } from './support/program.mjs';

const SIZES = [100, 1_000, 10_000];
/** Each pair asks for a little more than the one before: no decision is the same twice. */
const STEP = 1.0005;
const WARM_UP = 10;

const OPTIONS = {
  against: { type: 'string' },
  pairs: { type: 'string', default: '45' },
  nodes: { type: 'string', default: '2000' },
  functions: { type: 'string', default: '40' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.against === undefined)
    throw new Error('Give the folder of another checkout that is built: --against FOLDER.');
  const nodes = largeCluster(positive(values.nodes, '--nodes'));
  const functions = manyFunctions(positive(values.functions, '--functions'), Number(values.seed));
  const pairs = positive(values.pairs, '--pairs');
  const builds = { ours: thisBuild(), other: await otherBuild(values.against) };
  const prepare = (build) => SIZES.flatMap((size) => casesOf(size, functions, nodes, build));
  requireLikeness(builds, functions, nodes);
  // so that both are equally used to all of it: a build that has seen less of it is compiled better
  prepare(builds.other);
  const cases = prepare(builds.ours);
  const results = cases.map((each) => ({ ...each, ...compare(each.inputs, builds, pairs) }));
  const report = {
    benchmark: 'planner',
    nodes: nodes.length,
    functions: functions.length,
    configs: functions[0].candidates.length,
    pairs,
    cases: results.map(({ size, name, ratio, oursMs, otherMs, sameMoves }) => ({
      size,
      name,
      ratio,
      oursMs,
      otherMs,
      sameMoves,
    })),
    ratio: median(results.flatMap(({ ratios }) => ratios)),
    explainMs: explainMs(cases, builds.ours),
  };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
});

function thisBuild() {
  return { decide: (demands, cluster) => planCluster({ demands, cluster, rates: percentileRateModel }) };
}

async function otherBuild(folder) {
  const at = (path) => pathToFileURL(join(resolve(folder), 'dist/autoscaler/planning', path)).href;
  const { planCluster: plan } = await import(at('planner.js'));
  const { percentileRateModel: rates } = await import(at('capacity/percentile-rates.js'));
  // Before decisions had reasons, a planner took its input one by one.
  if (plan.length === 3) return { decide: (demands, cluster) => plan(demands, cluster, rates) };
  return { decide: (demands, cluster) => plan({ demands, cluster, rates }) };
}

/** Of another shape, nodes may seem to have no room, and no rate then starts enough instances. */
function requireLikeness({ ours, other }, functions, nodes) {
  const empty = { nodes, instances: [], leaving: [] };
  const [a, b] = [ours, other].map((build) => movesOf(build.decide(demandsAt(functions, 1), empty)));
  if (a === b) return;
  throw new Error(
    'The other build decides otherwise on an empty cluster: it is of a time when nodes or configs were written down in another way.',
  );
}

/**
 * What is decided: all at once on an empty cluster, one function's change beside what runs, and that nothing
 * changes.
 */
function casesOf(size, functions, nodes, { decide }) {
  const empty = { nodes, instances: [], leaving: [] };
  const scale = scaleFor(size, (tried) => startsOf(decide(demandsAt(functions, tried), empty)).length);
  const first = demandsAt(functions, scale);
  const running = { nodes, instances: runningOf(startsOf(decide(first, empty)), functions), leaving: [] };
  const raised = (round) => {
    const who = round % functions.length;
    const ratePerSecond = first[who].ratePerSecond * 1.2 * STEP ** round;
    return first.with(who, { ...first[who], ratePerSecond, recentRatePerSecond: ratePerSecond });
  };
  const lower = (round) =>
    first.map((each) => ({ ...each, ratePerSecond: each.ratePerSecond * 0.99 ** round }));
  return [
    { size, name: 'start all', inputs: (round) => [demandsAt(functions, scale * STEP ** round), empty] },
    { size, name: 'one changes', inputs: (round) => [raised(round), running] },
    { size, name: 'none changes', inputs: (round) => [lower(round % 5), running] },
  ];
}

/** On an empty cluster there is nothing to stop. */
function startsOf({ actions, start }) {
  return actions ?? start;
}

function runningOf(starts, functions) {
  const byName = new Map(functions.map((each) => [each.name, each.candidates]));
  return starts.map(({ functionName, config, node, gpu }, index) => ({
    functionName,
    config,
    node,
    ...(gpu === undefined ? {} : { gpu }),
    id: `instance-${index}`,
    needs: byName.get(functionName).find((each) => each.config === config).needs,
    ready: true,
    outdated: false,
  }));
}

/**
 * Pairs of both builds' times for the same input; who is first takes turns, as garbage of one is collected in
 * the other's time.
 */
function compare(inputs, { ours, other }, pairs) {
  for (let round = 0; round < WARM_UP; round += 1) {
    ours.decide(...inputs(round));
    other.decide(...inputs(round));
  }
  let sameMoves = true;
  const times = Array.from({ length: pairs }, (_, round) => {
    const input = inputs(round);
    const order = round % 2 === 0 ? [ours, other] : [other, ours];
    const timed = order.map((build) => time(() => build.decide(...input)));
    const [a, b] = round % 2 === 0 ? timed : timed.toReversed();
    sameMoves &&= movesOf(a.result) === movesOf(b.result);
    return { oursMs: a.ms, otherMs: b.ms, ratio: a.ms / b.ms };
  });
  return {
    ratio: median(times.map(({ ratio }) => ratio)),
    ratios: times.map(({ ratio }) => ratio),
    oursMs: median(times.map(({ oursMs }) => oursMs)),
    otherMs: median(times.map(({ otherMs }) => otherMs)),
    sameMoves,
  };
}

/**
 * What it takes to read for one function what binds it and what was rejected: nobody does unless it changes
 * or is asked for.
 */
function explainMs(cases, { decide }) {
  const { inputs } = cases.at(-2);
  const times = Array.from({ length: 15 }, (_, round) => {
    const { functions } = decide(...inputs(round));
    return time(() => functions[0].rejected.length + functions[0].constraint.length).ms;
  });
  return median(times);
}

function movesOf({ actions, start, stop }) {
  const moves = actions ?? [...start, ...stop];
  return JSON.stringify(
    moves.map(({ functionName, config, node, gpu, id }) => [functionName, id ?? [config, node, gpu]]).sort(),
  );
}

/**
 * By the CPU, since other programs run meanwhile; what the collection of garbage takes beside counts as well.
 */
function time(work) {
  const from = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(from);
  return { result, ms: (user + system) / 1000 };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function print({ nodes, functions, configs, pairs, cases, ratio: overall, explainMs: explaining }) {
  console.log(`${nodes} nodes, ${functions} functions of ${configs} configs each; medians of ${pairs} pairs`);
  const table = new Table({
    head: ['instances', 'decided', 'this build, ms', 'the other, ms', 'ratio', 'same moves'],
    style: { head: [], border: [] },
    colAligns: ['right', 'left', 'right', 'right', 'right', 'left'],
  });
  for (const { size, name, ratio, oursMs, otherMs, sameMoves } of cases) {
    table.push([
      size,
      name,
      oursMs.toFixed(2),
      otherMs.toFixed(2),
      ratio.toFixed(3),
      sameMoves ? 'yes' : 'NO',
    ]);
  }
  console.log(table.toString());
  console.log(
    `median of all pairs ${overall.toFixed(3)}; reading what binds one function and what was rejected: ${explaining.toFixed(2)} ms`,
  );
}

function positive(text, option) {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`${option} "${text}" is not a positive whole number.`);
}
