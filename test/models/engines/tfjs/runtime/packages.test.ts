import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../../../models/base/package.ts';
import { graphInit, placeholder, writeTfjsModel } from '../../../../support/tfjs-models.ts';

const run = promisify(execFile);

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-packages-'));
  model = await writeTfjsModel(
    join(folder, 'same'),
    graphInit([placeholder('x', 'float32', [-1, 2]), { name: 'y', op: 'Identity', input: ['x'] }]),
  );
});
afterAll(() => rm(folder, { recursive: true }));

/** Our compiled models room in a project of its own that has other packages of TensorFlow than this one. */
async function project(name: string, tensorflow: Readonly<Record<string, string>>): Promise<string> {
  const modules = join(folder, name, 'node_modules');
  await mkdir(join(modules, '@tensorflow'), { recursive: true });
  const installed = join(packageRoot, 'node_modules');
  for (const entry of await readdir(installed)) {
    if (entry !== '@tensorflow') await symlink(join(installed, entry), join(modules, entry));
  }
  for (const [packageName, source] of Object.entries(tensorflow)) {
    const own = join(modules, '@tensorflow', packageName);
    await mkdir(own);
    await writeFile(join(own, 'package.json'), JSON.stringify({ version: '9.8.7', main: 'index.js' }));
    await writeFile(join(own, 'index.js'), source);
  }
  await cp(join(packageRoot, 'dist/models'), join(modules, 'infless/dist/models'), { recursive: true });
  await cp(join(packageRoot, 'package.json'), join(modules, 'infless/package.json'));
  return join(modules, 'infless/dist/models');
}

/** Runs a script there; `found` is what it prints. */
async function evaluate(room: string, script: string, environment: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, INFLESS_CACHE_DIR: join(room, 'cache'), ROOM: room, MODEL: model, ...environment },
  });
  return JSON.parse(stdout);
}

const FAILURE = `
  const { resolveModel } = await import(process.env.ROOM + '/resolve/resolve-model.js');
  const { tfjsEngine } = await import(process.env.ROOM + '/engines/tfjs/engine.js');
  const error = await resolveModel(process.env.MODEL).catch((error) => error);
  console.log(JSON.stringify({ version: tfjsEngine.version, code: error.code, sentence: error.sentence }));
`;

describe('the packages of TensorFlow', () => {
  it('are not loaded for ONNX models', async () => {
    const script = `
      import { Module } from 'node:module';
      const { resolveModel } = await import(process.env.ROOM + '/resolve/resolve-model.js');
      const { engineFor } = await import(process.env.ROOM + '/engines/index.js');
      const file = await resolveModel('mnist');
      await engineFor('onnx').open(file, { cpuMillicores: 1000, gpuPercent: 0 });
      const loaded = Object.keys(Module._cache);
      const has = (name) => loaded.some((file) => file.includes(name));
      console.log(JSON.stringify([has('onnxruntime-node'), has('@tensorflow')]));
    `;
    expect(await evaluate(join(packageRoot, 'dist/models'), script)).toEqual([true, false]);
  });

  it('are missed in one sentence', async () => {
    expect(await evaluate(await project('without', {}), FAILURE)).toEqual({
      version: 'tfjs-backend-wasm (not installed)',
      code: 'PLATFORM_FAILED',
      sentence:
        'TF.js models need @tensorflow/tfjs-backend-wasm, which is not installed. Run npm install @tensorflow/tfjs-core @tensorflow/tfjs-converter @tensorflow/tfjs-layers @tensorflow/tfjs-backend-cpu @tensorflow/tfjs-backend-wasm, where infless is installed.',
    });
  });

  it('with a native library that cannot be loaded are told in one sentence', async () => {
    const broken = 'require("./lib/napi-v8/tfjs_binding.node");';
    const found = await evaluate(await project('broken', { 'tfjs-node': broken }), FAILURE);
    expect(found).toEqual({
      version: 'tfjs-node 9.8.7',
      code: 'PLATFORM_FAILED',
      sentence: expect.stringMatching(
        /^@tensorflow\/tfjs-node cannot be loaded on this machine \(Cannot find module .*\)\. Install it again/,
      ),
    });
  });

  describe('that are native', () => {
    // TensorFlow.js in JavaScript under the name of the native binding: like that, it exports everything and
    // copies nothing. It tells how many threads its library would have been loaded with.
    const installed = join(packageRoot, 'node_modules/@tensorflow');
    const standIn = `
      require('${installed}/tfjs-backend-cpu');
      globalThis.threadsAtLoad = process.env.TF_NUM_INTRAOP_THREADS;
      module.exports = {
        ...require('${installed}/tfjs-core'),
        ...require('${installed}/tfjs-converter'),
        ...require('${installed}/tfjs-layers'),
      };
      module.exports.enableProdMode();
    `;
    const open = (cores?: number): string => `
      const { resolveModel } = await import(process.env.ROOM + '/resolve/resolve-model.js');
      const { engineFor } = await import(process.env.ROOM + '/engines/index.js');
      const file = await resolveModel(process.env.MODEL, ${JSON.stringify({ name: 'same', ...(cores && { cpuMillicores: cores * 1000 }) })});
      const engine = engineFor('tfjs');
      const opened = await engine.open(file, { cpuMillicores: 2500, gpuPercent: 0 });
    `;
    const unset = { TF_NUM_INTRAOP_THREADS: undefined };

    it('come first, with the threads of the quota, and give no memory of a request away', async () => {
      const script = `
        ${open()}
        const data = Float32Array.of(1, 2);
        const { y } = await opened.run({ x: { dtype: 'float32', shape: [1, 2], data } });
        data.fill(0);
        console.log(JSON.stringify([engine.version, opened.threads, [...y.data]]));
      `;
      const room = await project('native', { 'tfjs-node': standIn });
      expect(await evaluate(room, script, unset)).toEqual(['tfjs-node 9.8.7', 1, [1, 2]]);
      // What the model is was found out before: this process opens it without looking at it.
      expect(await evaluate(room, script, unset)).toEqual(['tfjs-node 9.8.7', 3, [1, 2]]);
      expect(await evaluate(room, script, { TF_NUM_INTRAOP_THREADS: '2' })).toEqual([
        'tfjs-node 9.8.7',
        2,
        [1, 2],
      ]);
    });

    it('have the threads of what will serve where the model is looked at first', async () => {
      const script = `${open(3)} console.log(JSON.stringify([opened.threads, globalThis.threadsAtLoad]));`;
      const room = await project('serving', { 'tfjs-node': standIn });
      expect(await evaluate(room, script, unset)).toEqual([3, '3']);
    });

    it('leave processes that are started afterwards their own choice', async () => {
      const script = `
        ${open()}
        console.log(JSON.stringify([globalThis.threadsAtLoad, process.env.TF_NUM_INTRAOP_THREADS ?? 'unset']));
      `;
      const room = await project('parent', { 'tfjs-node': standIn });
      expect(await evaluate(room, script, unset)).toEqual(['1', 'unset']);
      expect(await evaluate(room, script, { TF_NUM_INTRAOP_THREADS: '2' })).toEqual(['2', '2']);
    });
  });
});
