import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageVersion } from '../../../models/base/package.ts';
import { ProgramRun } from '../../support/program-run.ts';
import { needs, runTool } from '../../support/tools.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-autoscaler-image-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function pack(layout: string): Promise<string> {
  const name = ['-t', 'registry.example/infless-autoscaler:1', '-o', `oci:${layout}:1`, '--base', 'host'];
  const run = new ProgramRun('autoscaler/bin', ['image', ...name]);
  expect(await run.exited(), run.stderr).toBe(0);
  return run.stdout.trim();
}

it('is an autoscaler that runs where nothing else of us is', { timeout: 120_000 }, async (context) => {
  needs(context, 'umoci');
  const layout = join(folder, 'layout');
  const name = await pack(layout);
  expect(name).toMatch(/^registry\.example\/infless-autoscaler@sha256:[0-9a-f]{64}$/);

  const bundle = join(folder, 'bundle');
  runTool('umoci', 'unpack', '--rootless', '--image', `${layout}:1`, bundle);
  const config = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8'));
  const [, program] = config.process.args as [string, string];
  expect(config.process.user).toMatchObject({ uid: 65_532, gid: 65_532 });
  const run = spawnSync(process.execPath, [join(bundle, 'rootfs', program), '--version'], {
    env: { PATH: '' },
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  expect(run.stdout.trim()).toBe(packageVersion);
});

it('is the same image each time', { timeout: 120_000 }, async () => {
  const names = [await pack(join(folder, 'once')), await pack(join(folder, 'again'))];
  expect(names[0]).toBe(names[1]);
});
