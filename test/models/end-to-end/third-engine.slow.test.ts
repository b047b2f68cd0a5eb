/**
 * What CONTRIBUTING.md promises of a new engine: one folder and one line. A copy of the sources gets both, is
 * compiled, and its programs inspect, profile, pack and serve a model that those of this checkout know
 * nothing of.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../models/base/package.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import { READY_PATH } from '../../../packager/server/instance-protocol.ts';
import type { ProfileTable } from '../../../profiles/table.ts';
import { baseImage, HERE } from '../../packager/contents/bases.ts';

const run = promisify(execFile);

const ROOMS = ['models', 'profiles', 'profiler', 'packager', 'autoscaler'];
const FORMAT = 'line';

let folder: string;
let checkout: string;
let model: string;

/** A checkout with another engine: its folder, and a line in the list. */
async function makeCheckout(): Promise<void> {
  await mkdir(checkout);
  for (const name of [...ROOMS, 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    await cp(join(packageRoot, name), join(checkout, name), { recursive: true });
  }
  await symlink(join(packageRoot, 'node_modules'), join(checkout, 'node_modules'));
  const engines = join(checkout, 'models/engines');
  await mkdir(join(engines, FORMAT));
  const source = await readFile(join(packageRoot, 'test/models/end-to-end/line/engine.ts'), 'utf8');
  await writeFile(
    join(engines, FORMAT, 'engine.ts'),
    source.replaceAll("'../../../../models/", "'../../"), // it lies below models/ now
  );
  await appendFile(join(engines, 'list.ts'), "export { lineEngine } from './line/engine.ts';\n");
  await run('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: checkout });
}

/** One of the copy's programs. */
async function program(bin: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(checkout, 'dist', bin), ...args], {
    cwd: folder,
    env: { ...process.env, INFLESS_CACHE_DIR: join(folder, 'cache') },
  });
  return stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-engine-'));
  checkout = join(folder, 'checkout');
  await makeCheckout();
  model = join(folder, 'fahrenheit.line');
  await writeFile(model, JSON.stringify({ a: 1.8, b: 32 }));
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a third engine', () => {
  it('is nobody’s who does not have it', async () => {
    const bin = join(packageRoot, 'dist/profiler/bin.js');
    await expect(run(process.execPath, [bin, model])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('fahrenheit.line is not a model file of a known format'),
    });
  });

  it('has its models inspected and profiled, each cell in a process of its own', async () => {
    const file = join(folder, 'table.json');
    await program('profiler/bin.js', model, '--quick', '--batches', '1,4', '--cpus', '1', '-o', file);
    const table = JSON.parse(await readFile(file, 'utf8')) as ProfileTable;
    expect(table).toMatchObject({
      engine: 'line 1',
      model: {
        name: 'fahrenheit',
        format: FORMAT,
        inputs: [{ name: 'x', shape: [null], batchAxis: 0 }],
        sizeBytes: '{"a":1.8,"b":32}'.length,
      },
    });
    expect(table.cells.map(({ batch }) => batch)).toEqual([1, 4]);
    expect(table.threading).toBeUndefined(); // it takes none, so none were tried
  }, 120_000);

  it('tells nothing of operators, and that is said', async () => {
    await expect(program('profiler/bin.js', model, '--predict')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Operators of fahrenheit cannot be measured'),
    });
  }, 60_000);

  it('is in the image of its models, without the others’ runtimes, and serves them there', async () => {
    const [base, image, root] = ['base', 'image', 'root'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const small = await baseImage(HERE);
    await writeLayout({ root: small.manifest, images: [small], referrers: [] }, base);
    await program('packager/bin.js', model, '--base', `oci:${base}`, '-o', `oci:${image}`);
    await mkdir(root);
    for (const layer of await layersOf(image)) await run('tar', ['-xf', layer, '-C', root]);

    const packed = JSON.parse(await readFile(join(root, 'infless/manifest.json'), 'utf8')) as ModelManifest;
    expect(packed).toMatchObject({ name: 'fahrenheit', format: FORMAT });
    const files = await readdir(join(root, 'opt/infless'), { recursive: true });
    expect(files).toContain('node_modules/infless/dist/models/engines/line/engine.js');
    expect(files.filter((file) => /node_modules\/(?:onnxruntime|@tensorflow)/.test(file))).toEqual([]);
    expect(await predictIn(root, [0, 100])).toEqual([32, 212]);
  }, 120_000);
});

/** The files of the layers of a layout's only image, from the bottom up. */
async function layersOf(layout: string): Promise<readonly string[]> {
  const blob = (digest: string): string => join(layout, 'blobs', ...digest.split(':'));
  const read = async (file: string) => JSON.parse(await readFile(file, 'utf8'));
  const { manifests } = await read(join(layout, 'index.json'));
  const { layers } = await read(blob(manifests[0].digest));
  return layers.map(({ digest }: { digest: string }) => blob(digest));
}

/** Starts the serving process of an unpacked image and asks it once. */
async function predictIn(root: string, instances: readonly number[]): Promise<unknown> {
  const bin = join(root, 'opt/infless/node_modules/infless/dist/packager/server/bin.js');
  const server = spawn(process.execPath, [bin], {
    env: {
      PATH: '',
      INFLESS_MODEL: join(root, 'model/fahrenheit.line'),
      INFLESS_MANIFEST: join(root, 'infless/manifest.json'),
      INFLESS_PORT: '0',
      INFLESS_CACHE_DIR: join(folder, 'server-cache'),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const closed = once(server, 'close');
  try {
    const [message] = await Promise.race([once(server, 'message'), closed.then(() => [{ port: 0 }])]);
    const url = `http://127.0.0.1:${(message as { port: number }).port}`;
    while ((await fetch(url + READY_PATH)).status !== 200) expect(server.exitCode).toBeNull();
    const answer = await fetch(`${url}/v1/models/fahrenheit:predict`, {
      method: 'POST',
      body: JSON.stringify({ instances }),
    });
    const { predictions } = (await answer.json()) as { predictions: number[] };
    return predictions.map(Math.fround);
  } finally {
    server.kill();
    await closed;
  }
}
