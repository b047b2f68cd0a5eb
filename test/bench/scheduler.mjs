/**
 * How long it takes to decide what starts where: plans for an empty cluster that start 100, 1,000 and 10,000
 * instances, and one more on what then runs when one function's rate changes. Beside it the paper's greedy,
 * written plainly, for the same demand on the same nodes. What is timed is the decision alone.
 *
 *     npm run bench:scheduler [-- --nodes 2000] [--functions 40] [--rounds 15] [--seed 1] [--json]
 */

import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { percentileRateModel } from '../../dist/autoscaler/planning/capacity/percentile-rates.js';
import { planCluster } from '../../dist/autoscaler/planning/planner.js';
import { amountIn, vectorOf } from '../../dist/models/base/resources.js';
import { demandsAt, largeCluster, manyFunctions, scaleFor } from './support/large-cluster.mjs';
import { paperGreedy } from './support/paper-greedy.mjs';
import { benchmark } from './support/program.mjs';

const SIZES = [100, 1_000, 10_000];
/** Each round asks for a little more than the one before: no plan is the same twice. */
const STEP = 1.002;
/** By how much the rate of one function rises in the plan on what runs. */
const RISE = 1.2;
/** The greedy takes seconds for the largest size. */
const GREEDY_ROUNDS = 3;

const OPTIONS = {
  nodes: { type: 'string', default: '2000' },
  functions: { type: 'string', default: '40' },
  rounds: { type: 'string', default: '15' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const nodes = largeCluster(positive(values.nodes, '--nodes'));
  const functions = manyFunctions(positive(values.functions, '--functions'), Number(values.seed));
  const rounds = positive(values.rounds, '--rounds');
  const growth = SIZES.map((size) => measure(size, { functions, nodes, rounds }));
  const { ours, greedy } = growth.at(-1);
  const report = {
    benchmark: 'scheduler',
    nodes: nodes.length,
    functions: functions.length,
    configs: functions[0].candidates.length,
    rounds,
    perInstanceMs: ours.perInstanceMs,
    makespanMs: ours.makespanMs,
    greedyPerInstanceMs: greedy.perInstanceMs,
    growth,
  };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
});

function measure(size, { functions, nodes, rounds }) {
  const empty = { nodes, instances: [], leaving: [] };
  const plan = (demands, cluster = empty) => planCluster({ demands, cluster, rates: percentileRateModel });
  const scale = scaleFor(size, (tried) => plan(demandsAt(functions, tried)).actions.length);
  const asked = (count, from) =>
    Array.from({ length: count }, (_, round) => demandsAt(functions, from * STEP ** round));
  const ours = median(asked(rounds, scale).map((demands) => timed(() => plan(demands).actions.length)));

  // Of its larger instances fewer carry the same: it is asked for more, until it has as many to place.
  const greedyScale = (scale * size) / paperGreedy(demandsAt(functions, scale), nodes).length;
  const greedy = median(
    asked(Math.min(rounds, GREEDY_ROUNDS), greedyScale).map((demands) =>
      timed(() => paperGreedy(demands, nodes).length),
    ),
  );

  const [first] = asked(1, scale);
  const running = { nodes, instances: runningOf(plan(first), functions), leaving: [] };
  const raised = Array.from({ length: rounds }, (_, round) => {
    const who = round % functions.length;
    return first.with(who, raise(first[who]));
  });
  const change = median(raised.map((demands) => timed(() => movesOf(plan(demands, running)))));
  return { size, ours, greedy, changeMs: change.makespanMs };
}

function timed(decide) {
  const fromMs = performance.now();
  const instances = decide();
  const makespanMs = performance.now() - fromMs;
  return { instances, makespanMs, perInstanceMs: makespanMs / instances };
}

/** The run in the middle, by time. */
function median(runs) {
  return runs.toSorted((a, b) => a.makespanMs - b.makespanMs)[runs.length >> 1];
}

/** What a plan has started, all of it ready. */
function runningOf({ actions }, functions) {
  const memoryOf = new Map(
    functions.map(({ name, candidates }) => [name, amountIn(candidates[0].needs, 'memoryBytes')]),
  );
  return actions.map(({ functionName, config, node, gpu }, index) => ({
    functionName,
    config,
    node,
    ...(gpu === undefined ? {} : { gpu }),
    id: `instance-${index}`,
    needs: vectorOf({ ...config, memoryBytes: memoryOf.get(functionName) }),
    ready: true,
    outdated: false,
  }));
}

function raise(demand) {
  const ratePerSecond = demand.ratePerSecond * RISE;
  return { ...demand, ratePerSecond, recentRatePerSecond: ratePerSecond };
}

function movesOf({ actions }) {
  return actions.length;
}

function print({ nodes, functions, configs, rounds, growth }) {
  console.log(
    `${nodes} nodes, ${functions} functions of ${configs} configs each; medians of ${rounds} rounds (greedy: ${Math.min(rounds, GREEDY_ROUNDS)})`,
  );
  const table = new Table({
    head: [
      'instances',
      'all, ms',
      'each, ms',
      'one function changes, ms',
      'greedy: instances',
      'all, ms',
      'each, ms',
    ],
    style: { head: [], border: [] },
    colAligns: Array(7).fill('right'),
  });
  for (const { ours, greedy, changeMs } of growth) {
    table.push([
      ours.instances,
      ours.makespanMs.toFixed(1),
      ours.perInstanceMs.toFixed(4),
      changeMs.toFixed(1),
      greedy.instances,
      greedy.makespanMs.toFixed(0),
      greedy.perInstanceMs.toFixed(4),
    ]);
  }
  console.log(table.toString());
}

function positive(text, option) {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`${option} "${text}" is not a positive whole number.`);
}
