/**
 * How fast a day passes in the simulator: many functions, most of them hardly ever called, under the default
 * policy as production runs it, its loop looking twice a second. Beside it the same with every function
 * planned at every look.
 *
 *     npm run bench:simulator [-- --functions 1000] [--hours 24] [--seed 1] [--plain 120] [--json]
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { DEFAULT_CONTROL_SETTINGS } from '../../dist/autoscaler/control/settings.js';
import { simulate } from '../../dist/autoscaler/simulation/simulate.js';
import { defaultSystem } from '../../dist/autoscaler/simulation/systems/default-system.js';
import { busyDay } from './support/busy-day.mjs';
import { benchmark } from './support/program.mjs';

const HOUR_SECONDS = 3600;

const OPTIONS = {
  functions: { type: 'string', default: '1000' },
  hours: { type: 'string', default: '24' },
  seed: { type: 'string', default: '1' },
  /** So many virtual seconds of it with every function planned every time: more would take hours. 0: none. */
  plain: { type: 'string', default: '120' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const size = {
    functions: positive(values.functions, '--functions'),
    hours: positive(values.hours, '--hours'),
    seed: Number(values.seed),
  };
  const needed = await measure(busyDay(size), defaultSystem());
  const report = {
    benchmark: 'simulator',
    ...size,
    tickMs: DEFAULT_CONTROL_SETTINGS.tickMs,
    ...needed,
    plain: await plainly(size, Number(values.plain)),
  };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
});

/**
 * What the whole would take if it went on like the second half of a short stretch: in the first one
 * everything starts.
 */
async function plainly(size, seconds) {
  if (!(seconds > 0)) return null;
  const plain = defaultSystem({ scope: 'all' });
  const stretch = (share) => ({ ...size, hours: (seconds * share) / HOUR_SECONDS });
  const half = await measure(busyDay(stretch(0.5)), plain);
  const whole = await measure(busyDay(stretch(1)), plain);
  const speedup = seconds / 2 / Math.max(1e-3, whole.wallSeconds - half.wallSeconds);
  return { seconds, speedup, wallSecondsForAll: (size.hours * HOUR_SECONDS) / speedup };
}

async function measure(scenario, policy) {
  const cpuBefore = process.cpuUsage();
  const fromMs = performance.now();
  const result = await simulate(scenario, policy);
  const wallSeconds = (performance.now() - fromMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    requests: result.requests,
    inTimeShare: result.inTimeShare,
    coldStartShare: result.coldStartShare,
    moves: Math.round((result.movesPerMinute * result.measuredMs) / 60_000),
    wallSeconds,
    cpuSeconds: (user + system) / 1e6,
    microsPerRequest: (wallSeconds * 1e6) / result.requests,
    speedup: scenario.durationMs / 1000 / wallSeconds,
    peakRssMegabytes: process.resourceUsage().maxRSS / 1024,
  };
}

function print(report) {
  const { functions, hours, tickMs, requests, moves, plain } = report;
  console.log(
    `${functions} functions, ${hours} h, ${requests} requests, ${moves} starts and stops; the loop looks every ${tickMs} ms`,
  );
  console.log(
    `${percent(report.inTimeShare)} in time, ${percent(report.coldStartShare)} cold; at most ${report.peakRssMegabytes.toFixed(0)} MB`,
  );
  const table = new Table({
    head: ['planned', 'wall s', 'CPU s', 'µs a request', '× real time'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  table.push([
    'whom it may change',
    report.wallSeconds.toFixed(1),
    report.cpuSeconds.toFixed(1),
    report.microsPerRequest.toFixed(1),
    report.speedup.toFixed(0),
  ]);
  if (plain !== null) {
    table.push([
      `everybody (from ${plain.seconds / 2} s)`,
      plain.wallSecondsForAll.toFixed(0),
      '',
      ((plain.wallSecondsForAll * 1e6) / requests).toFixed(0),
      plain.speedup.toFixed(1),
    ]);
  }
  console.log(table.toString());
}

function positive(text, option) {
  const number = Number(text);
  if (number > 0) return number;
  throw new Error(`${option} "${text}" is not a positive number.`);
}

function percent(share) {
  return `${(share * 100).toFixed(2)} %`;
}
