/**
 * Whether a serving process lives with the memory limit that we print: valid requests of up to a full batch of
 * rows in JSON, at the shape that was measured, in a cgroup with that limit.
 *
 *     npm run bench:memory [-- --models mobilenet,tfjs-images --batch 8 --requests 1000 --clients 4 --json]
 *
 * It needs the right to make cgroups (root). A refusal (429, 413, 503) counts as not answered.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { seededRandom } from '../../dist/models/base/random.js';
import { formatBytes } from '../../dist/models/base/units.js';
import { generateInputs } from '../../dist/models/manifest/inputs.js';
import { DEFAULT_PROTOCOL } from '../../dist/models/protocols/index.js';
import { resolveModel } from '../../dist/models/resolve/resolve-model.js';
import { chooseResources } from '../../dist/packager/emit/deployment.js';
import { profileModel } from '../../dist/profiler/sweep/profile-model.js';
import { LimitedGroup, startLimited } from './support/memory/limited.mjs';
import { modelNamed, TFJS, ZOO } from './support/memory/models.mjs';
import { benchmark } from './support/program.mjs';

const OPTIONS = {
  models: { type: 'string', default: [...ZOO, ...TFJS].join() },
  batch: { type: 'string', default: '8' },
  requests: { type: 'string', default: '1000' },
  /** Each sends its next request when it has its answer. */
  clients: { type: 'string', default: '4' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const models = [];
  for (const name of values.models.split(',')) {
    const result = await measure(name, {
      batch: Number(values.batch),
      requests: Number(values.requests),
      clients: Number(values.clients),
      seed: Number(values.seed),
    });
    models.push(result);
    if (!values.json) print(result);
  }
  const killed = models.filter(({ isKilled }) => isKilled).length;
  const answeredShare = Math.min(...models.map(({ answered, requests }) => answered / requests));
  if (values.json) console.log(JSON.stringify({ benchmark: 'memory', models, killed, answeredShare }));
  else console.log(`Killed: ${killed}; least share answered 200: ${(100 * answeredShare).toFixed(1)} %`);
});

async function measure(name, { batch, requests, clients, seed }) {
  const { reference, remove } = await modelNamed(name);
  let group;
  let serving;
  try {
    const model = await resolveModel(reference, { name });
    const table = await profileModel(reference, {
      modelName: name,
      batches: [1, batch],
      cpuMillicores: [1000],
      full: true,
      cellTimeMs: 600,
      replace: true,
    });
    const { memoryBytes } = chooseResources(only(table, batch), model.manifest.sizeBytes, {
      maxBatch: batch,
    });
    group = await LimitedGroup.make(`infless-bench-${process.pid}-${name}`, memoryBytes);
    if (group === undefined) throw new Error('This user may not make cgroups here: run it as root');
    serving = await startLimited(group, {
      INFLESS_MODEL: reference,
      INFLESS_MODEL_NAME: name,
      INFLESS_CPU_MILLICORES: '1000',
      INFLESS_MAX_BATCH: String(batch),
      INFLESS_MAX_WAIT_MS: '60000',
    });
    const bodies = Array.from({ length: batch }, (_, index) =>
      DEFAULT_PROTOCOL.request(generateInputs(model.manifest, { batch: index + 1 }), model.manifest),
    );
    const statuses = serving.isUp ? await ask(serving, name, bodies, { requests, clients, seed }) : {};
    const hasEnded = serving.child.exitCode !== null || serving.child.signalCode !== null;
    return {
      model: name,
      batch,
      limitBytes: memoryBytes,
      peakBytes: await group.peakBytes(),
      requests,
      answered: statuses[200] ?? 0,
      statuses,
      isKilled: hasEnded || !serving.isUp,
    };
  } finally {
    if (serving !== undefined) {
      serving.child.kill('SIGKILL');
      await serving.ended;
    }
    await group?.remove();
    await remove();
  }
}

/** The config that is deployed, whatever else was measured. */
function only(table, batch) {
  return { ...table, cells: table.cells.filter((cell) => cell.batch === batch) };
}

async function ask({ url, child }, name, bodies, { requests, clients, seed }) {
  const random = seededRandom(seed);
  const statuses = {};
  let left = requests;
  const gone = once(child, 'exit').then(() => 'ended');
  async function client() {
    while (left > 0) {
      left -= 1;
      const { body, contentType } = bodies[Math.floor(random() * bodies.length)];
      const answer = fetch(`${url}/v1/models/${name}:predict`, {
        method: 'POST',
        body,
        headers: { 'content-type': contentType },
      }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.status;
        },
        () => 'no answer',
      );
      const status = await Promise.race([answer, gone]);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 'ended') return;
    }
  }
  await Promise.all(Array.from({ length: clients }, client));
  return statuses;
}

function print({ model, batch, limitBytes, peakBytes, answered, requests, statuses, isKilled }) {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const table = new Table({ chars, style: { head: [], border: [], compact: true } });
  table.push([
    `${model} b${batch}`,
    `limit ${formatBytes(limitBytes)}`,
    `cgroup's peak, page cache included, ${peakBytes === undefined ? '–' : formatBytes(peakBytes)}`,
    `${answered} of ${requests} answered 200`,
    JSON.stringify(statuses),
    isKilled ? 'KILLED' : 'lives',
  ]);
  console.log(table.toString());
}
