/**
 * What packing costs beside copying: a large model packed, pushed and pushed again, against `sha256sum` and
 * `cp` of its file and against `buildah` building the same image from a Dockerfile, all in one run. Needs
 * buildah and docker-registry.
 *
 *     npm run bench:pack [-- --size 512] [--rounds 3] [--json]
 */
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { packageRoot } from '../../dist/models/base/package.js';
import { locateModel } from '../../dist/models/resolve/locate-model.js';
import { hostBase, hostPlatform } from '../../dist/packager/contents/base/host-base.js';
import { describeModel } from '../../dist/packager/contents/model/describe-model.js';
import { pack } from '../../dist/packager/pack.js';
import { pushBundle } from '../../dist/packager/registry/push.js';
import { parseReference } from '../../dist/packager/registry/reference.js';
import { writeLargeModel } from './support/large-model.mjs';
import { measuredRun } from './support/measured-run.mjs';
import { benchmark } from './support/program.mjs';
import { startRegistry } from './support/registry.mjs';

const MIB = 1 << 20;

const OPTIONS = {
  /** Of the model's weights, in MiB. */
  size: { type: 'string', default: '512' },
  rounds: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const folder = await mkdtemp(join(tmpdir(), 'infless-bench-pack-'));
  process.env.INFLESS_CACHE_DIR = join(folder, 'cache');
  try {
    const report = await measure(folder, Number(values.size) * MIB, Number(values.rounds));
    if (values.json) console.log(JSON.stringify({ benchmark: 'pack', ...report }));
    else print(report);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function measure(folder, weightBytes, rounds) {
  const model = join(folder, 'large.onnx');
  await writeLargeModel(model, weightBytes);
  const infless = (...args) =>
    measuredRun(process.execPath, [
      join(packageRoot, 'dist/packager/bin.js'),
      model,
      '--base',
      'host',
      ...args,
    ]);
  const layout = join(folder, 'layout');
  const context = join(folder, 'context');

  const firstPack = await infless('-o', `oci:${layout}`);
  await infless('--dockerfile', context);
  const runs = { hash: [], copy: [], describe: [], pack: [], repack: [], ...pushRuns(), ...buildahRuns() };
  for (let round = 0; round < rounds; round += 1) {
    await utimes(model, new Date(), new Date()); // to us it is another file, which has to be read again
    runs.hash.push(await measuredRun('sha256sum', [model]));
    runs.copy.push(await measuredRun('cp', [model, join(folder, 'copy')]));
    runs.describe.push(await timed(() => describeModel(model, 'large')));
    for (const kind of ['pack', 'repack']) {
      await rm(layout, { recursive: true, force: true });
      runs[kind].push(await infless('-o', `oci:${layout}`));
    }
    await withRegistry(folder, (host) => measurePush(runs, model, host));
    await withRegistry(folder, (host) => measureProgramPush(runs, infless, host));
    await withRegistry(folder, (host) => measureBuildah(runs, folder, context, host));
    await rm(join(folder, 'copy'));
  }
  return {
    weightBytes,
    rounds,
    image: await sizesOf(model, weightBytes),
    firstPack,
    ...Object.fromEntries(Object.entries(runs).map(([kind, each]) => [kind, medianRun(each)])),
  };
}

function pushRuns() {
  return { push: [], repush: [], pushProgram: [], repushProgram: [] };
}

function buildahRuns() {
  return { buildahBuild: [], buildahPush: [], buildahRepush: [] };
}

/** Each pushes to a registry of its own: what another has pushed would be taken over from there. */
async function withRegistry(folder, work) {
  const storage = await mkdtemp(join(folder, 'registry-'));
  const registry = await startRegistry(storage);
  try {
    await work(registry.host);
  } finally {
    registry.stop();
    await rm(storage, { recursive: true, force: true });
  }
}

/** As a library, where nothing but the push is timed. */
async function measurePush(runs, model, host) {
  const packed = await packHere(model);
  const push = () => pushBundle(packed, parseReference(`${host}/bench:1`), { insecure: true });
  runs.push.push(await timed(push));
  runs.repush.push(await timed(push));
}

/** With all that the program does before. */
async function measureProgramPush(runs, infless, host) {
  const push = () => infless('-t', `${host}/bench:1`, '--insecure');
  runs.pushProgram.push(await push());
  runs.repushProgram.push(await push());
}

async function measureBuildah(runs, folder, context, host) {
  const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')];
  const push = ['push', '--tls-verify=false', 'bench', `docker://${host}/bench:1`];
  runs.buildahBuild.push(
    await measuredRun('buildah', [...storage, 'bud', '--isolation', 'chroot', '-t', 'bench', context]),
  );
  runs.buildahPush.push(await measuredRun('buildah', [...storage, ...push]));
  runs.buildahRepush.push(await measuredRun('buildah', [...storage, ...push]));
  await measuredRun('buildah', [...storage, 'rmi', '--all', '--force']);
}

async function packHere(model) {
  return pack({
    model: await locateModel(model),
    base: hostBase,
    platforms: [hostPlatform()],
    profile: false,
  });
}

async function sizesOf(model, weightBytes) {
  const [{ layers }] = (await packHere(model)).images;
  const [base, ...others] = layers.map(({ descriptor }) => descriptor.size);
  return { baseBytes: base, restBytes: others.reduce((sum, size) => sum + size, 0) - weightBytes };
}

async function timed(work) {
  const fromMs = performance.now();
  await work();
  return { durationMs: performance.now() - fromMs };
}

/** The run of the median duration, with the most memory that any run had. */
function medianRun(runs) {
  const { durationMs } = runs.toSorted((a, b) => a.durationMs - b.durationMs)[runs.length >> 1];
  if (runs[0].peakBytes === undefined) return { durationMs };
  return {
    durationMs,
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
    largestChildBytes: Math.max(...runs.map(({ largestChildBytes }) => largestChildBytes)),
  };
}

function print(report) {
  const table = new Table({
    head: ['', 'seconds', 'memory MiB', 'a child’s own'],
    colAligns: ['left', 'right', 'right', 'right'],
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    style: { head: [], border: [], compact: true },
  });
  for (const [label, run] of [
    ['sha256sum', report.hash],
    ['cp', report.copy],
    ['infless-pack, the first time ever', report.firstPack],
    ['finding out what a new model is', report.describe],
    ['infless-pack of a new model that is known', report.pack],
    ['infless-pack again', report.repack],
    ['push alone', report.push],
    ['push alone again', report.repush],
    ['infless-pack and push', report.pushProgram],
    ['infless-pack and push again', report.repushProgram],
    ['buildah bud of the same layers', report.buildahBuild],
    ['buildah push', report.buildahPush],
    ['buildah push again', report.buildahRepush],
  ]) {
    table.push([
      label,
      (run.durationMs / 1000).toFixed(2),
      mebibytes(run.peakBytes),
      mebibytes(run.largestChildBytes),
    ]);
  }
  console.log(
    `${report.weightBytes / MIB} MiB of weights, medians of ${report.rounds}, memory the most of all\n`,
  );
  console.log(table.toString());
  const { hash, copy, pack: packed, buildahBuild, repush, image } = report;
  const plainMs = hash.durationMs + copy.durationMs;
  console.log(`
pack ÷ (sha256sum + cp)             ${(packed.durationMs / plainMs).toFixed(2)}  (goal: at most 1.5)
buildah bud ÷ pack                  ${(buildahBuild.durationMs / packed.durationMs).toFixed(2)}
push again                          ${repush.durationMs.toFixed(0)} ms  (goal: under 100)
memory of packing and pushing       ${mebibytes(Math.max(packed.peakBytes, report.pushProgram.peakBytes))} MiB  (goal: under 150)
image beyond base and weights       ${mebibytes(image.restBytes)} MiB  (goal: under 60), base ${mebibytes(image.baseBytes)} MiB`);
}

function mebibytes(bytes) {
  return bytes === undefined || bytes === 0 ? '' : (bytes / MIB).toFixed(0);
}
