import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../../../models/base/package.ts';
import type { ReadyReport } from '../../../../../packager/server/instance-protocol.ts';
import type { ProfileTable } from '../../../../../profiles/table.ts';
import { graphInit, placeholder, writeTfjsModel } from '../../../../support/tfjs-models.ts';

const run = promisify(execFile);

/** A `node_modules` with the binding. It downloads TensorFlow's library: it is none of our dependencies. */
const modules = process.env.INFLESS_TFJS_NODE ?? join(packageRoot, 'node_modules');
const isThere = existsSync(join(modules, '@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node'));
const WHY_SKIPPED = isThere ? '' : ' (skipped: no @tensorflow/tfjs-node in INFLESS_TFJS_NODE)';

const cores = Math.min(2, availableParallelism());

describe.skipIf(!isThere)(`@tensorflow/tfjs-node with its real library${WHY_SKIPPED}`, () => {
  let folder: string;
  let dist: string;
  let model: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'infless-tfjs-node-'));
    const own = join(folder, 'node_modules');
    await mkdir(own);
    const installed = join(packageRoot, 'node_modules');
    for (const entry of await readdir(installed)) {
      if (entry !== '@tensorflow') await symlink(join(installed, entry), join(own, entry));
    }
    await symlink(join(modules, '@tensorflow'), join(own, '@tensorflow'));
    dist = join(own, 'infless/dist');
    await cp(join(packageRoot, 'dist'), dist, { recursive: true });
    await cp(join(packageRoot, 'package.json'), join(own, 'infless/package.json'));
    model = await writeTfjsModel(
      join(folder, 'same'),
      graphInit([placeholder('x', 'float32', [-1, 2]), { name: 'y', op: 'Identity', input: ['x'] }]),
    );
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true }));

  function environment(cache: string, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return {
      ...process.env,
      INFLESS_CACHE_DIR: join(folder, cache),
      TF_CPP_MIN_LOG_LEVEL: '2',
      TF_NUM_INTRAOP_THREADS: undefined,
      ...extra,
    };
  }

  it('is measured with the threads of each quota, whether the model was known before or not', async () => {
    for (const sweep of ['fresh', 'again']) {
      const file = join(folder, `${sweep}.json`);
      const options = [
        '--full',
        '--batches',
        '1',
        '--cpus',
        `1,${cores}`,
        '--cell-time',
        '200ms',
        '-o',
        file,
      ];
      await run(process.execPath, [join(dist, 'profiler/bin.js'), model, ...options], {
        env: environment('sweeps'),
      });
      const table = JSON.parse(await readFile(file, 'utf8')) as ProfileTable;
      expect(table.engine).toMatch(/^tfjs-node /);
      expect(new Set(table.cells.map(({ cpuMillicores, threads }) => [cpuMillicores, threads]))).toEqual(
        new Set([...new Set([1, cores])].map((count) => [count * 1000, count])),
      );
    }
  }, 120_000);

  it('serves with as many, even where the process has to find out first what the model is', async () => {
    const server = spawn(process.execPath, [join(dist, 'packager/server/bin.js')], {
      env: environment('serving', {
        INFLESS_MODEL: model,
        INFLESS_PORT: '0',
        INFLESS_CPU_MILLICORES: String(cores * 1000),
      }),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    try {
      const [{ port }] = (await once(server, 'message')) as [{ port: number }];
      const url = `http://127.0.0.1:${port}`;
      let response = await fetch(`${url}/_/ready`);
      while (response.status !== 200) response = await fetch(`${url}/_/ready`);
      expect((await response.json()) as ReadyReport).toMatchObject({ threads: cores });
      const body = JSON.stringify({ instances: [[1, 2]] });
      const answer = await fetch(`${url}/v1/models/same:predict`, { method: 'POST', body });
      expect(await answer.json()).toEqual({ predictions: [[1, 2]] });
    } finally {
      server.kill('SIGKILL');
    }
  }, 60_000);
});
