/**
 * What it takes to look after many functions and instances on a cluster: the controller and its Kubernetes
 * platform on the tests' API double (in a process of its own, pods played), from 100 to 10,000 instances.
 * Beside it, on the same pods, the plain way: all pods are listed every second, and everything is planned
 * anew. Time passes by steps of the loop, so that what is timed is the work and not the wait for it.
 *
 *     npm run bench:control [-- --instances 10000] [--each 10] [--rounds 100] [--polling 10] [--json]
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import Table from 'cli-table3';
import { benchmark } from './support/program.mjs';

const PROGRAM = fileURLToPath(new URL('./support/control/measure-size.mjs', import.meta.url));
const SIZES = [100, 1_000, 10_000];
const NOT_MEASURED = ['', '', ''];

const OPTIONS = {
  /** The largest size; those of 100 and 1,000 below it are measured as well. */
  instances: { type: 'string', default: '10000' },
  /** Of one function. */
  each: { type: 'string', default: '10' },
  /** Changes of each sort. */
  rounds: { type: 'string', default: '100' },
  /** The same for the plain way, which takes its time. 0: it is left out. */
  polling: { type: 'string', default: '10' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const largest = positive(values.instances, '--instances');
  const given = {
    instancesEach: positive(values.each, '--each'),
    rounds: positive(values.rounds, '--rounds'),
    pollingRounds: Number(values.polling) === 0 ? 0 : positive(values.polling, '--polling'),
  };
  const sizes = [];
  for (const instances of [...SIZES.filter((size) => size < largest), largest])
    sizes.push(await measure({ instances, ...given }));
  const report = { benchmark: 'control', ...given, sizes, growth: growthOf(sizes) };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
});

async function measure(size) {
  const args = ['--expose-gc', PROGRAM, JSON.stringify(size)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

/**
 * From the smallest size to the largest: how many times what each instance takes, 1 for what grows as they
 * do.
 */
function growthOf(sizes) {
  const first = sizes[0];
  const last = sizes.at(-1);
  const of = (pick) => pick(last) / last.instances / (pick(first) / first.instances);
  return {
    instances: last.instances / first.instances,
    start: of(({ startUp }) => startUp.cpuMs),
    adoption: of(({ adoptionMs }) => adoptionMs),
    step: of(({ ours }) => ours.steady.cpuMsEach),
    heap: of(({ ours }) => ours.heapBytes),
  };
}

function print({ rounds, pollingRounds, sizes, growth }) {
  for (const each of sizes) {
    const { functions, nodes, instances, startUp, adoptionMs, ours, polling } = each;
    console.log(
      `\n${instances} instances of ${functions} functions on ${nodes} nodes; ${rounds} changes of each sort (polling: ${pollingRounds})`,
    );
    console.log(
      `start ${perInstance(startUp.cpuMs, startUp.starts)} of CPU an instance, adoption ${adoptionMs.toFixed(0)} ms (${perInstance(adoptionMs, instances)} each), ` +
        `heap ${mebibytes(ours.heapBytes)} MiB (${(ours.heapBytes / instances / 1024).toFixed(1)} KiB each), RSS ${mebibytes(ours.rssBytes)} MiB; an API call takes ${ours.callMs.toFixed(1)} ms`,
    );
    const table = new Table({
      head: ['', 'ours', 'p99', 'API calls', 'polling', 'p99', 'API calls'],
      style: { head: [], border: [] },
      colAligns: ['left', ...Array(6).fill('right')],
    });
    table.push(
      ['a rate rises: step that starts, ms', ...changeOf(ours.rise), ...changeOf(polling?.rise)],
      ['an instance is lost: until replaced, ms', ...changeOf(ours.loss), ...changeOf(polling?.loss)],
      ['a node tells of itself: step, ms', ...restOf(ours.beat), ...restOf(polling?.beat)],
      ['nothing happens: step, ms', ...restOf(ours.steady), ...restOf(polling?.steady)],
      ['… CPU of it, ms', ...cpuOf(ours.steady), ...cpuOf(polling?.steady)],
    );
    console.log(table.toString());
  }
  const { instances, ...ratios } = growth;
  const words = Object.entries(ratios).map(([what, ratio]) => `${what} ${ratio.toFixed(2)}`);
  console.log(`\n${instances.toFixed(0)} times the instances, to linear growth: ${words.join(', ')}`);
}

function changeOf(change) {
  if (change === undefined) return NOT_MEASURED;
  const { medianMs, p99Ms, callsEach } = change;
  return [medianMs.toFixed(1), p99Ms.toFixed(1), `${callsIn(callsEach)} a move`];
}

function restOf(steady) {
  if (steady === undefined) return NOT_MEASURED;
  const { medianMs, p99Ms, callsEach } = steady;
  return [medianMs.toFixed(1), p99Ms.toFixed(1), `${callsIn(callsEach)} a step`];
}

function cpuOf(steady) {
  return [steady?.cpuMsEach.toFixed(1) ?? '', '', ''];
}

function callsIn(calls) {
  return Object.values(calls)
    .reduce((sum, count) => sum + count, 0)
    .toFixed(1);
}

function perInstance(ms, instances) {
  return `${(ms / instances).toFixed(2)} ms`;
}

function mebibytes(bytes) {
  return (bytes / 2 ** 20).toFixed(0);
}

function positive(text, option) {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`${option} "${text}" is not a positive whole number.`);
}
