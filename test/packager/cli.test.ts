import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderHelp } from '../../models/base/command-line/help.ts';
import { packProgram } from '../../packager/cli.ts';
import { hostPlatform } from '../../packager/contents/base/host-base.ts';
import { writeLayout } from '../../packager/layout/write-layout.ts';
import { ProgramRun } from '../support/program-run.ts';
import { LINEAR, ModelFolder } from '../support/tiny-models.ts';
import { baseImage } from './contents/bases.ts';

let folder: ModelFolder;
let model: string;
let base: string;
beforeEach(async () => {
  folder = await ModelFolder.create();
  model = await folder.write('net.onnx', LINEAR);
  const image = await baseImage(hostPlatform());
  const directory = join(folder.path, 'base');
  await writeLayout({ root: image.manifest, images: [image], referrers: [] }, directory);
  base = `oci:${directory}`;
});
afterEach(() => folder.remove());

async function run(...args: readonly string[]) {
  const program = new ProgramRun('packager/bin', args);
  const code = await program.exited();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

const images = () => `oci:${join(folder.path, 'images')}:1`;

describe('infless-pack', () => {
  it('packs, looks into what it packed, and hashes it again', async () => {
    const { code, stdout, stderr } = await run(model, '--base', base, '-o', images());
    expect(stderr).toContain('net: ');
    expect(stderr).toMatch(/^Batching: proven \(.+\)$/m);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);

    const inspected = await run('inspect', images());
    expect(inspected.stdout).toContain('Inputs   x float32 [N,3]');
    expect(inspected.stdout).toContain('model file net.onnx');
    expect(inspected.stdout).toContain('Profile  none');
    const [facts] = JSON.parse((await run('inspect', images(), '--json')).stdout);
    expect(facts).toMatchObject({ digest: stdout.trim(), user: '65532:65532', model: { name: 'net' } });

    const verified = await run('verify', images());
    expect(verified.stdout).toContain(`is whole: 9 blobs`);
    expect(verified.stdout).toContain(stdout.trim());
  });

  it('packs what requests look like', async () => {
    const sample = await folder.write('request.json', Buffer.from('{"instances": [[1, 2, 3]]}'));
    const { code } = await run(model, '--sample', sample, '--base', base, '-o', images());
    expect(code).toBe(0);
    const [facts] = JSON.parse((await run('inspect', images(), '--json')).stdout);
    const values = Buffer.from(Float32Array.of(1, 2, 3).buffer).toString('base64');
    expect(facts.model.inputs[0].example).toEqual({ shape: [3], shapeFrom: 'sample', values });

    await writeFile(sample, '{"instances": [[1, 2]]}');
    const { stderr } = await run(model, '--sample', sample, '--base', base, '-o', images());
    expect(stderr).toContain('error: Shape [2] does not fit input "x", which is [N,3].');
  });

  it('looks at the model with the batch axis that it is given, and says what came of it', async () => {
    const { stderr } = await run(model, '--base', base, '-o', images(), '--batch-axis', 'x=0');
    expect(stderr).toMatch(/^Batching: proven /m);
    const [facts] = JSON.parse((await run('inspect', images(), '--json')).stdout);
    expect(facts.model.batching).toMatchObject({ state: 'proven', given: { x: 0 } });
    const wrong = await run(model, '--base', base, '-o', images(), '--batch-axis', 'x=1');
    expect(wrong.stderr).toContain('Axis 1 of input "x" is always 3 long, so it cannot be the batch.');
    expect(wrong.code).toBe(2);
  });

  it('finds what has changed in an image', async () => {
    await run(model, '--base', base, '-o', images());
    const [facts] = JSON.parse((await run('inspect', images(), '--json')).stdout);
    const weights = facts.layers[2].digest.slice('sha256:'.length);
    const file = join(folder.path, 'images', 'blobs', 'sha256', weights);
    const bytes = await readFile(file);
    bytes[600]! ^= 1;
    await writeFile(file, bytes);
    const { code, stderr } = await run('verify', images());
    expect(code).toBe(2);
    expect(stderr).toContain(weights);
    expect(stderr).toContain('1 of 9 blobs');
  });

  it('prints a deployment file and nothing else to standard output', async () => {
    const { stdout } = await run(
      ...[model, '--base', base, '-o', images(), '-t', 'registry.example/net:1', '--emit', 'compose'],
    );
    expect(stdout).toMatch(/^services:\n {2}net:\n {4}image: registry\.example\/net@sha256:/);
  });

  it('writes a Dockerfile', async () => {
    const directory = join(folder.path, 'docker');
    const { stdout } = await run(model, '--base', base, '--dockerfile', directory);
    expect(stdout).toBe(`${directory}\n`);
    expect(await readFile(join(directory, 'Dockerfile'), 'utf8')).toMatch(/^FROM scratch\nADD layer-1/);
  });

  it.each([
    [
      'a model that is not there',
      ['nothing.onnx', '-o', 'oci:x'],
      2,
      'Model file nothing.onnx does not exist',
    ],
    ['a base that is not there', ['mnist', '-o', 'oci:x', '--base', 'oci:nowhere'], 2, 'oci:nowhere'],
    ['a registry that is down', ['mnist', '-t', '127.0.0.1:1/x', '--insecure'], 3, '127.0.0.1:1'],
    ['a tag that is none', ['mnist', '-t', 'r.example/Model:1'], 2, 'must be in lower case'],
    ['nothing that says where to', ['mnist'], 2, 'Nothing says where'],
    ['an image that is not there', ['inspect', 'oci:nowhere'], 2, 'nowhere is no OCI layout'],
  ])('says in one sentence what is wrong with %s', async (_, args, exitCode, sentence) => {
    const withBase = args.includes('-t') ? [...args, '--base', base] : args;
    const { code, stdout, stderr } = await run(...withBase);
    expect(stdout).toBe('');
    expect(stderr).toContain(sentence);
    expect(stderr).toContain('error: ');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(exitCode);
  });

  it.each([
    ['is cut off', (whole: Buffer) => whole.subarray(0, -7), 'is not a whole ONNX model'],
    ['is another file', () => Buffer.from('<html>'), 'is a web page, not a model'],
  ])('says so of a model that %s, and leaves nothing', async (_, damage, sentence) => {
    const damaged = await folder.write('damaged.onnx', damage(await readFile(model)));
    const { code, stdout, stderr } = await run(damaged, '--base', base, '-o', images());
    expect(stderr).toContain(`error: ${damaged} ${sentence}`);
    expect(stdout).toBe('');
    expect(code).toBe(2);
    await expect(access(join(folder.path, 'images'))).rejects.toThrow();
  });

  it('says so of an image that it has not made', async () => {
    const { code, stderr } = await run('inspect', base);
    expect(stderr).toContain('was not made by infless-pack');
    expect(code).toBe(2);
  });

  it('leaves nothing half-written behind when it is interrupted', async () => {
    const large = join(folder.path, 'large');
    await mkdir(large);
    await writeFile(join(large, 'model.onnx'), await readFile(model));
    await writeFile(join(large, 'filler.bin'), Buffer.alloc(256 << 20));
    const program = new ProgramRun('packager/bin', [
      ...[large, '--include', 'filler.bin', '--base', base, '-o', images()],
    ]);
    while (!program.stderr.includes(base)) await new Promise((resolve) => setTimeout(resolve, 5));
    program.child.kill('SIGINT');
    expect(await program.exited()).toBe(130);
    expect(program.stderr).toContain('Interrupted');
    await expect(access(join(folder.path, 'images'))).rejects.toThrow();
    expect((await readdir(folder.path)).sort()).toEqual(['base', 'large', 'net.onnx']);
  });

  it('explains itself', () => {
    const help = renderHelp(packProgram, undefined, 100);
    expect(help).toMatch(/^Usage: infless-pack \[options\] \[command\] <model>/);
    for (const option of [
      '--tag',
      '--output',
      '--base',
      '--platform',
      '--profile',
      '--emit',
      '--dockerfile',
    ]) {
      expect(help).toContain(option);
    }
  });
});
