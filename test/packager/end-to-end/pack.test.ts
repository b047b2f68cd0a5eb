import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { engineFor } from '../../../models/engines/index.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import { locateModel } from '../../../models/resolve/locate-model.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { hostBase, hostPlatform } from '../../../packager/contents/base/host-base.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import { pack } from '../../../packager/pack.ts';
import { saveTable } from '../../../profiles/store.ts';
import { cell, table } from '../../profiles/sample-table.ts';
import { needs, needsRoot, runTool } from '../../support/tools.ts';

const BATCH = 2;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-container-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The parts of a runtime configuration that we change. */
interface RuntimeConfig {
  process: {
    terminal: boolean;
    env: string[];
    user: { uid: number; gid: number };
    capabilities: object;
    noNewPrivileges: boolean;
  };
  root: { readonly: boolean };
  mounts: { destination: string; type: string }[];
  linux: { namespaces: { type: string }[] };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * As a platform would run it: no one's user, nothing writable, no rights; on our loopback, so that we can ask
 * it.
 */
async function confine(bundle: string, port: number): Promise<RuntimeConfig> {
  const file = join(bundle, 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as RuntimeConfig;
  config.process.terminal = false;
  config.process.capabilities = {};
  config.process.noNewPrivileges = true;
  config.process.env.push(`INFLESS_PORT=${port}`);
  config.root.readonly = true;
  config.mounts = config.mounts.filter(
    ({ type, destination }) => type !== 'sysfs' && !destination.startsWith('/etc/'),
  );
  config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
  await writeFile(file, JSON.stringify(config));
  return config;
}

it('an image of this machine answers in a container what the engine answers here', async (context) => {
  needs(context, 'umoci', 'runc');
  needsRoot(context);
  const layout = join(folder, 'layout');
  const { manifest, path } = await resolveModel('mnist');
  const packed = await pack({
    model: await locateModel('mnist'),
    base: hostBase,
    platforms: [hostPlatform()],
    profile: await saveTable(table([cell(1, 1000, 5)], { model: manifest }), join(folder, 'table.json')),
  });
  await writeLayout(packed, layout, { tag: '1' });
  const bundle = join(folder, 'bundle');
  runTool('umoci', 'unpack', '--image', `${layout}:1`, bundle);
  const port = await freePort();
  const { process: declared } = await confine(bundle, port);
  expect(declared.user).toMatchObject({ uid: 65_532, gid: 65_532 });

  const name = `infless-test-${process.pid}`;
  const container = spawn('runc', ['run', '--bundle', bundle, name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [container.stdout, container.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const closed = once(container, 'close');
  try {
    while (!log.includes('"msg":"ready"')) {
      if (container.exitCode !== null)
        context.skip(/cgroup|operation not permitted/i.test(log), `runc cannot run here: ${log}`);
      expect(container.exitCode, log).toBeNull();
      await sleep(20);
    }
    const write = runTool('runc', 'exec', name, '/usr/local/bin/node', '-e', WRITE_ANYWHERE);
    expect(JSON.parse(write)).toEqual({ user: 65_532, written: 'EROFS' });

    const session = await engineFor('onnx').open({ manifest, path }, { cpuMillicores: 1000, gpuPercent: 0 });
    const feeds = generateInputs(manifest, { batch: BATCH });
    const { predictions } = await session.run(feeds);
    await session.close();

    const pixels = [...(feeds.inputs!.data as Float32Array)];
    const answer = await fetch(`http://127.0.0.1:${port}/v1/models/mnist:predict`, {
      method: 'POST',
      body: JSON.stringify({ instances: nest(pixels, [BATCH, 28, 28, 1]) }),
    });
    const body = (await answer.json()) as { predictions: number[][] };
    expect(body.predictions.flat().map(Math.fround)).toEqual([...(predictions!.data as Float32Array)]);
  } finally {
    spawnSync('runc', ['kill', name, 'TERM']);
    await closed;
    spawnSync('runc', ['delete', '--force', name]);
  }
  expect(log).toContain('"msg":"stopped"');
}, 180_000);

const WRITE_ANYWHERE = `
  let written = 'yes';
  try { require('fs').writeFileSync('/model/x', ''); } catch ({ code }) { written = code; }
  console.log(JSON.stringify({ user: process.getuid(), written }));`;

/** A flat list as nested lists of these sizes. */
function nest(values: readonly number[], [size = 0, ...inner]: readonly number[]): unknown[] {
  if (inner.length === 0) return [...values];
  const step = values.length / size;
  return Array.from({ length: size }, (_, index) =>
    nest(values.slice(index * step, (index + 1) * step), inner),
  );
}
