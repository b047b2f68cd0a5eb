import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot, packageVersion } from '../models/base/package.ts';

const run = promisify(execFile);

let folder: string;
let unreachable: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-package-'));
  await writeFile(join(folder, 'package.json'), '{"name": "user", "private": true}');
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: packageRoot });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  try {
    await run('npm', ['install', `./${tarball}`, '--no-audit', '--no-fund'], {
      cwd: folder,
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
  } catch (error) {
    unreachable = /E(NOTFOUND|AI_AGAIN|CONNREFUSED|TIMEDOUT)|network/.exec(String(error))?.[0];
    if (unreachable === undefined) throw error;
  }
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('installed from a packed tarball', () => {
  beforeEach((context) => {
    context.skip(unreachable !== undefined, `the npm registry cannot be reached (${unreachable})`);
  });

  it.each(['infless', 'infless-profile', 'infless-pack', 'infless-autoscaler', 'infless-load'])(
    '%s runs',
    async (program) => {
      const { stdout } = await installed(program, '--version');
      expect(stdout.trim()).toBe(packageVersion);
    },
  );

  it('infless-profile measures a model of the zoo', async () => {
    const table = join(folder, 'mnist.json');
    await installed('infless-profile', 'mnist', '--quick', '--batches', '1,2', '--cpus', '1', '-o', table);
    const { model, cells } = JSON.parse(await readFile(table, 'utf8')) as {
      model: { name: string };
      cells: unknown[];
    };
    expect(model.name).toBe('mnist');
    expect(cells).toHaveLength(2);
  }, 60_000);

  it.each(['infless/dist/models/engines/index.js', 'infless/profiles/mnist.json'])(
    'lets nobody import %s: files move as they must',
    async (name) => {
      const code = `import('${name}').catch(({ code }) => console.log(code))`;
      const { stdout } = await run(process.execPath, ['-e', code], { cwd: folder });
      expect(stdout.trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
    },
  );

  it('gives programs what the commands do', async () => {
    const code = `
      import { InflessError, pack, plan, profile, serve } from 'infless';
      const table = await profile('mnist', { quick: true, batches: [1], cpuMillicores: [1000] });
      const serving = await serve({ functions: [{ name: 'digits', model: 'mnist', slo: '2s' }] });
      const body = await (await fetch(serving.url + '/ui/examples/digits')).text();
      const answer = await fetch(serving.url + '/function/digits', { method: 'POST', body });
      const { predictions } = await answer.json();
      const failure = await serving.declare({ name: 'x', model: 'none.onnx', slo: '1s' }).catch((error) => error);
      await serving.close();
      const misuse = await pack('mnist', { tagg: 'x' }).catch((error) => error);
      const missing = await plan({ functions: 'none.yaml', cluster: 'none.yaml' }).catch((error) => error);
      console.log(JSON.stringify([
        table.cells.length, predictions[0].length, failure instanceof InflessError, failure.code,
        misuse.message, missing.code,
      ]));
      process.exit();`;
    const file = join(folder, 'program.mjs');
    await writeFile(file, code);
    const { stdout } = await run(process.execPath, [file], { cwd: folder, env: cachedEnvironment() });
    expect(JSON.parse(stdout)).toEqual([
      ...[1, 10, true, 'MODEL_NOT_FOUND', 'pack has no option "tagg"', 'INVALID_INPUT'],
    ]);
  }, 60_000);

  it('has types for them', async () => {
    const file = join(folder, 'program.mts');
    await writeFile(
      file,
      `import { type ProfileTable, profile, serve } from 'infless';
       const table: ProfileTable = await profile('mnist', { quick: true });
       const url: string = (await serve({ port: 0 })).url;
       // @ts-expect-error it is a number
       await serve({ port: '0' });
       console.log(table.cells.length, url);`,
    );
    const compiler = join(packageRoot, 'node_modules', '.bin', 'tsc');
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'];
    await run(
      compiler,
      [...flags, '--types', 'node', '--typeRoots', join(packageRoot, 'node_modules/@types'), file],
      { cwd: folder },
    );
  }, 60_000);

  it('names the packages that it does without until they are wanted', async () => {
    const refusal = await installed('infless-autoscaler', '--platform', 'kubernetes').catch((error) => error);
    expect((refusal as { stderr: string }).stderr).toBe(
      'error: Clusters need @kubernetes/client-node, which is not installed. Run npm install @kubernetes/client-node, where infless is installed.\n',
    );
  });

  it('takes no more than 380 MB', async () => {
    const { stdout } = await run('du', ['-sm', join(folder, 'node_modules')]);
    expect(Number.parseInt(stdout, 10)).toBeLessThanOrEqual(380);
  });

  it('tells its version to those who look for it', async () => {
    const code = "console.log(require('infless/package.json').version)";
    const { stdout } = await run(process.execPath, ['-e', code], { cwd: folder });
    expect(stdout.trim()).toBe(packageVersion);
  });

  it('carries no sources of tests and no build leftovers', async () => {
    const files = await readdir(join(folder, 'node_modules', 'infless'), { recursive: true });
    expect(files.filter((file) => /\.tsbuildinfo$|^test\b|(?<!\.d)\.ts$/.test(file))).toEqual([]);
    expect(files).toContain('README.md');
  });
});

function installed(program: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run(join(folder, 'node_modules', '.bin', program), args, {
    cwd: folder,
    env: cachedEnvironment(),
  });
}

function cachedEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, INFLESS_CACHE_DIR: join(folder, 'cache') };
}
