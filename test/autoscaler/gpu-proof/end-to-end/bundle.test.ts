import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packageRoot, programFile } from '../../../../models/base/package.ts';
import { runtimeVersion } from '../../../../models/engines/onnx/runtime.ts';
import { openRegistries, type RegistryDouble } from '../bundle/registry-double.ts';

const WHEEL = `onnxruntime_gpu-${runtimeVersion().split(' ')[1]}-cp312-cp312-manylinux_2_28_x86_64.whl`;
/** In place of 100 MB: what is tried is the way that it takes. */
const NODE = Buffer.from(`#!/bin/sh\nexec '${process.execPath}' "$@"\n`);
const PROVIDER = randomBytes(300_000);
const SHARED = Buffer.from('shared');
const MIB = 2 ** 20;
const ENGINE = 'opt/infless/node_modules/onnxruntime-node/bin/napi-v6/linux/x64';

const linux = process.platform === 'linux';

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ran(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  cwd: string,
): Promise<Run> {
  const child = spawn(program, args, { env: environment, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

class World {
  readonly folder: string;
  readonly registries: RegistryDouble;

  private constructor(folder: string, registries: RegistryDouble) {
    this.folder = folder;
    this.registries = registries;
  }

  static async open(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'infless-bundle-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    for (const name of ['machine', 'arrived']) await mkdir(join(folder, name));
    const capi = 'onnxruntime/capi';
    const registries = await openRegistries(NODE, WHEEL, {
      [`${capi}/libonnxruntime.so`]: Buffer.from('not wanted'),
      [`${capi}/libonnxruntime_providers_cuda.so`]: PROVIDER,
      [`${capi}/libonnxruntime_providers_shared.so`]: SHARED,
    });
    return new World(folder, registries);
  }

  bundle(...args: string[]): Promise<Run> {
    const environment = {
      ...process.env,
      ...this.registries.environment,
      INFLESS_CACHE_DIR: join(this.folder, 'cache'),
    };
    const program = [
      programFile('autoscaler/gpu-proof/bin'),
      '--bundle',
      join(this.folder, 'bundle'),
      '--part-size',
      '2',
      ...args,
    ];
    return ran(process.execPath, program, environment, packageRoot);
  }

  async parts(): Promise<readonly string[]> {
    return (await readdir(join(this.folder, 'bundle'))).sort();
  }

  /** Brings files of the bundle to the machine. */
  async bring(files: readonly string[]): Promise<void> {
    for (const file of files)
      await copyFile(join(this.folder, 'bundle', file), join(this.folder, 'arrived', file));
  }

  /** On a machine with no more than a system has. */
  unpack(): Promise<Run> {
    const script = join(this.folder, 'arrived', 'unpack.sh');
    return ran('/bin/sh', [script], { PATH: '/usr/bin:/bin' }, join(this.folder, 'machine'));
  }

  prove(...args: string[]): Promise<Run> {
    const program = join(this.folder, 'machine', 'prove-gpu', 'prove-gpu');
    return ran(program, ['--out', 'results', ...args], { PATH: '' }, join(this.folder, 'machine'));
  }
}

describe.skipIf(!linux)('a bundle', () => {
  it('comes in parts, is joined and checked as they arrive, and reaches step c with an empty PATH', async () => {
    const world = await World.open();
    world.registries.breakAfter(1000);
    const made = await world.bundle();
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(world.registries.requests).toContain(`/files/${WHEEL} bytes=1000-`);
    const fetched = world.registries.requests.filter((request) => request.startsWith('/files/'));
    const digests = await readFile(join(world.folder, 'bundle', 'SHA256SUMS'), 'utf8');
    expect((await world.bundle()).code).toBe(0);
    // Made anew, it is the same, and nothing was fetched anew.
    expect(await readFile(join(world.folder, 'bundle', 'SHA256SUMS'), 'utf8')).toBe(digests);
    expect(world.registries.requests.filter((request) => request.startsWith('/files/'))).toEqual(fetched);
    const parts = await world.parts();
    for (const part of parts)
      expect((await stat(join(world.folder, 'bundle', part))).size).toBeLessThanOrEqual(2 * MIB);
    expect(parts.filter((name) => name.startsWith('engine.tar.br.')).length).toBeGreaterThan(1);

    await world.bring(['unpack.sh', 'SHA256SUMS', ...parts.filter((name) => name.startsWith('app.'))]);
    expect(await world.unpack()).toMatchObject({
      code: 4,
      stdout: 'engine.tar.br: engine.tar.br.00 has not arrived yet\n',
    });
    const before = await world.prove('--steps', 'c');
    expect(before).toMatchObject({ code: 3, stderr: '' });
    expect(before.stdout).toMatch(
      /^c {2}no-card {2}There is no NVIDIA driver with a card here \(nvidia-smi is not installed\)/,
    );

    await world.bring(parts.filter((name) => name.startsWith('engine.')));
    const damaged = join(world.folder, 'arrived', 'engine.tar.br.01');
    const whole = await readFile(damaged);
    await writeFile(damaged, whole.subarray(1));
    const spoilt = await world.unpack();
    expect(spoilt.code).toBe(4);
    expect(spoilt.stdout).toBe(
      'engine.tar.br: its parts do not add up, bring these again:\nengine.tar.br.01: FAILED\n',
    );
    await writeFile(damaged, whole);
    expect(await world.unpack()).toMatchObject({ code: 0, stderr: '' });
    expect(await world.unpack()).toMatchObject({ code: 0, stderr: '' }); // once more does nothing more

    const engine = join(world.folder, 'machine', 'prove-gpu', ENGINE);
    expect(await readFile(join(engine, 'libonnxruntime_providers_cuda.so'))).toEqual(PROVIDER);
    expect(await readFile(join(engine, 'libonnxruntime_providers_shared.so'))).toEqual(SHARED);
    expect(await readdir(engine)).toContain('libonnxruntime.so.1');
    // With an engine, all that does not need a card runs: here the card is played.
    await copyFile(
      join(packageRoot, 'test/autoscaler/gpu-proof/replays/a100/outputs.json'),
      join(world.folder, 'outputs.json'),
    );
    const replayed = await ran(
      join(world.folder, 'machine', 'prove-gpu', 'prove-gpu'),
      ['--out', 'results', '--steps', 'c,e', '--replay', world.folder],
      { PATH: '/usr/bin:/bin' },
      join(world.folder, 'machine'),
    );
    expect(replayed.stdout.split('\n').map((line) => line.slice(0, 10))).toEqual([
      'c  passed ',
      'e  passed ',
      '',
    ]);
  }, 180_000);

  it('refuses what is not what the registry says it is', async () => {
    const world = await World.open();
    world.registries.spoil();
    const { code, stderr } = await world.bundle();
    expect(stderr).toMatch(/node\.tgz is not what its registry says it is\. Try again/);
    expect(code).toBe(3);
  });

  it('refuses a card that the provider has no code for', async () => {
    const world = await World.open();
    const { code, stderr } = await world.bundle('--compute-capability', '9.0');
    expect(stderr).toMatch(/libonnxruntime_providers_cuda\.so cannot be read as an ELF file/);
    expect(code).toBe(2);
  });
});
