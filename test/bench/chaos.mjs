/**
 * What a request, a client, a neighbour, a disk or a crash does to the service: each drill runs against a real
 * autoscaler on loopback, with a state folder of its own, under load, and says what came of the requests and
 * how long it took until all was as before.
 *
 *     npm run bench:chaos [-- --json] [--minutes 5] [--only kill-instances,poison]
 *
 * Drills that need root (a small file system) are skipped without it, and that is said.
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { DRILLS } from './chaos/drills.mjs';
import { measuredCache } from './chaos/world.mjs';
import { benchmark } from './support/program.mjs';

const OPTIONS = {
  /** Of the longest drill; the others are as much shorter as they are in full length. */
  minutes: { type: 'string', default: '5' },
  only: { type: 'string', default: '' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes "${values.minutes}" is not a positive number`);
  const only = values.only.split(',').filter(Boolean);
  const unknown = only.find((name) => !DRILLS.some((drill) => drill.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `--only: there is no drill "${unknown}". There are ${DRILLS.map(({ name }) => name).join(', ')}`,
    );
  }
  const cache = await measuredCache();
  const drills = [];
  const skipped = [];
  try {
    for (const drill of DRILLS.filter(({ name }) => only.length === 0 || only.includes(name))) {
      if (drill.needsRoot && process.getuid() !== 0) skipped.push(drill.name);
      else drills.push(await result(drill, minutes / 5));
    }
  } finally {
    await cache.remove();
  }
  const held = drills.filter(({ held: holds }) => holds).map(({ name }) => name);
  const fell = drills.filter(({ held: holds }) => !holds).map(({ name }) => name);
  if (values.json) console.log(JSON.stringify({ benchmark: 'chaos', minutes, drills, skipped, held, fell }));
  else print(drills, skipped, fell);
  if (fell.length > 0) process.exitCode = 1;
});

/** @param scale 1: in full length */
async function result({ name, run }, scale) {
  console.error(`${name} …`); // they take minutes
  try {
    return { name, ...(await run(scale)) };
  } catch (error) {
    return {
      name,
      sent: 0,
      inTime: 0,
      late: 0,
      failed: 0,
      recoveredMs: null,
      held: false,
      what: String(error),
    };
  }
}

function print(drills, skipped, fell) {
  const table = new Table({ head: ['drill', 'sent', 'in time', 'late', 'failed', 'recovered', 'held', ''] });
  for (const { name, sent, inTime, late, failed, recoveredMs, held, what } of drills) {
    const recovered = recoveredMs === null ? '' : `${Math.round(recoveredMs)} ms`;
    table.push([name, sent, inTime, late, failed, recovered, held ? 'yes' : 'NO', what ?? '']);
  }
  console.log(table.toString());
  if (skipped.length > 0) console.log(`Skipped, since they need root: ${skipped.join(', ')}.`);
  console.log(fell.length === 0 ? 'All of them held.' : `Fell: ${fell.join(', ')}.`);
}
