/**
 * How much a pool of equal instances carries: the highest load with at most 1 % of the requests not in time,
 * as a share of N·r_up (the paper's rate of an instance, ⌊1/t⌋·b, times their number).
 *
 *     npm run bench:capacity [-- --json]
 */

import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { parseFunctionSpec } from '../../dist/autoscaler/functions/spec.js';
import { simulate } from '../../dist/autoscaler/simulation/simulate.js';
import { arrivalStream } from '../../dist/autoscaler/simulation/streams.js';
import { systemByName } from '../../dist/autoscaler/simulation/systems/systems.js';
import { arrivals } from '../../dist/profiler/load/arrivals/arrivals.js';
import { constantRate } from '../../dist/profiler/load/arrivals/rates.js';
import { importInflessText } from '../../dist/profiles/import/infless-text.js';
import { nodeOf } from './support/nodes.mjs';
import { benchmark } from './support/program.mjs';

const CASES = [
  { b: 4, execMs: 50, sloMs: 200 },
  { b: 8, execMs: 80, sloMs: 200 },
  { b: 8, execMs: 100, sloMs: 200 },
].flatMap((config) => [1, 2].flatMap((cv) => [4, 16].map((instances) => ({ ...config, cv, instances }))));

const ALLOWED_VIOLATIONS = 0.01;
/** More than the fluid limit, which r_up rounds down. */
const HIGHEST = 1.1;
const COARSE = 0.05;
const FINE = 0.005;
const WARM_UP_MS = 20_000;

const OPTIONS = {
  policies: { type: 'string', default: 'default,infless,batch' },
  requests: { type: 'string', default: '20000' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const names = values.policies.split(',');
  const cases = [];
  for (const each of CASES) {
    const policies = {};
    for (const name of names) {
      policies[name] = await highestLoad(
        each,
        systemByName(name),
        Number(values.requests),
        Number(values.seed),
      );
    }
    cases.push({ ...each, policies });
  }
  if (values.json)
    console.log(JSON.stringify({ benchmark: 'capacity', allowedViolations: ALLOWED_VIOLATIONS, cases }));
  else print(cases, names);
});

/**
 * From above, because less load is not always easier: a lottery that fills one instance after the other
 * misses the SLO at a quarter of the load that it keeps it at when all have their share.
 */
async function highestLoad(each, policy, requests, seed) {
  const keeps = async (load) => {
    const { violationShare } = await simulate(scenarioOf(each, load, requests, seed), policy);
    return violationShare <= ALLOWED_VIOLATIONS;
  };
  let low = HIGHEST;
  while (low > 0 && !(await keeps(low))) low -= COARSE;
  if (low <= 0) return 0;
  let high = low + COARSE;
  while (high - low > FINE) {
    const load = (low + high) / 2;
    if (await keeps(load)) low = load;
    else high = load;
  }
  return low;
}

/**
 * So many instances of one config, however large the load; a batch takes as long as a full one, whatever is
 * in it.
 */
function scenarioOf({ b, execMs, sloMs, cv, instances }, load, requests, seed) {
  const [{ table }] = importInflessText(`net 1 0 ${b} ${execMs}`);
  const rate = load * instances * Math.floor(1000 / execMs) * b;
  const durationMs = WARM_UP_MS + (requests * 1000) / rate;
  return {
    nodes: [nodeOf({ name: 'node', cpuMillicores: 1000 * instances, memoryBytes: 1e12 })],
    warmUpMs: WARM_UP_MS,
    durationMs,
    seed,
    functions: [
      {
        spec: parseFunctionSpec(
          { name: 'net', model: 'net', slo: `${sloMs}ms`, scale: { min: instances, max: instances } },
          'function net',
        ),
        table,
        arrivals: arrivals(
          constantRate(rate, durationMs),
          cv === 1 ? { type: 'poisson' } : { type: 'gamma', cv },
          arrivalStream(seed, 'net'),
        ),
      },
    ],
  };
}

function print(cases, names) {
  const table = new Table({
    head: ['b', 't', 'SLO', 'CV', 'N', ...names],
    style: { head: [], border: [] },
    colAligns: Array(5 + names.length).fill('right'),
  });
  for (const { b, execMs, sloMs, cv, instances, policies } of cases) {
    const loads = names.map((name) => policies[name].toFixed(3));
    table.push([b, `${execMs} ms`, `${sloMs} ms`, cv, instances, ...loads]);
  }
  console.log('Highest load with at most 1 % violations, as a share of N·r_up');
  console.log(table.toString());
}
