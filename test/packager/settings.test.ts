import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cutCommandLine, readValues } from '../../models/base/command-line/read-options.ts';
import { packProgram } from '../../packager/cli.ts';
import { DEFAULT_BASE, DEFAULT_CUDA_BASE } from '../../packager/contents/base/default-base.ts';
import { type PackSettings, packSettings } from '../../packager/settings.ts';
import { LINEAR, ModelFolder } from '../support/tiny-models.ts';
import { HERE } from './contents/bases.ts';

let folder: ModelFolder;
let model: string;
beforeEach(async () => {
  folder = await ModelFolder.create();
  model = await folder.write('net.onnx', LINEAR);
});
afterEach(() => folder.remove());

const options = (text: string) => folder.write('infless.yaml', Buffer.from(text));
const TAG = ['-t', 'registry.example/team/net:1'];

async function settings(...args: readonly string[]): Promise<PackSettings> {
  const line = cutCommandLine(packProgram, args, 'infless-pack');
  return packSettings(await readValues(packProgram, line, 'infless-pack', {}));
}

describe('settings', () => {
  it('have defaults for all but where the image goes', async () => {
    expect(await settings(model, ...TAG)).toMatchObject({
      model: { path: model },
      base: DEFAULT_BASE,
      platforms: [{ os: 'linux', architecture: HERE.architecture }],
      modelName: 'net',
      profile: undefined,
      include: [],
      destination: { kind: 'registry', reference: { repository: 'team/net', tag: '1' } },
      emit: undefined,
      insecure: false,
    });
    await expect(settings(model)).rejects.toMatchObject({
      sentence: expect.stringContaining('Nothing says where the image should go'),
    });
  });

  it('have a batch axis by the options and by the file, where it may be a number', async () => {
    const given = async (text: string, ...args: readonly string[]) => {
      await options(text);
      return (await settings(model, ...TAG, ...args)).like.batchAxes;
    };
    expect(await given('{}', '--batch-axis', '0', '--batch-axis', 'x=1')).toEqual({ '': 0, x: 1 });
    expect(await given('batchAxis: 0')).toEqual({ '': 0 });
    expect(await given('batchAxis: {x: 1}')).toEqual({ x: 1 });
    expect(await given('batchAxis: x=1')).toEqual({ x: 1 });
    await expect(given('batchAxis: first')).rejects.toThrow(/"batchAxis" in .* "first" is not an axis/);
  });

  it('are for a GPU on a base with CUDA, or on one with Node.js where CUDA comes from elsewhere', async () => {
    const cuda = [...TAG, '--accelerator', 'cuda'];
    const amd64 = [{ os: 'linux', architecture: 'amd64' }];
    expect(await settings(model, ...cuda)).toMatchObject({ base: DEFAULT_CUDA_BASE, platforms: amd64 });
    expect(await settings(model, ...cuda, '--cuda-libraries', 'cuda')).toMatchObject({
      base: 'node:22-slim',
      cudaLibraries: ['cuda'],
    });
    expect((await settings(model, ...cuda, '--base', 'mine:1')).base).toBe('mine:1');
    await options('accelerator: cuda\ncudaLibraries: libraries');
    expect(await settings(model, ...TAG)).toMatchObject({
      accelerator: 'cuda',
      cudaLibraries: [join(folder.path, 'libraries')],
    });
    expect(await settings(model, ...TAG, '--cuda-libraries', 'others')).toMatchObject({
      cudaLibraries: ['others'],
    });
  });

  it('have CUDA libraries for nothing but a GPU', async () => {
    await expect(settings(model, ...TAG, '--cuda-libraries', 'cuda')).rejects.toMatchObject({
      sentence: '--cuda-libraries is of use in images for GPUs alone. Give --accelerator cuda as well.',
    });
  });

  it('are those of infless.yaml beside the model', async () => {
    await options(`
      name: fancy
      version: "7"
      source: https://models.example
      tag: registry.example/fancy:7
      base: host
      platforms: [linux/amd64, linux/arm64/v8]
      profile: tables/fancy.json
      include: [labels.txt]
      slo: 80ms
      maxBatch: 4`);
    expect(await settings(model)).toMatchObject({
      modelName: 'fancy',
      version: '7',
      source: 'https://models.example',
      reference: { repository: 'fancy', tag: '7' },
      base: 'host',
      platforms: [
        { os: 'linux', architecture: 'amd64' },
        { os: 'linux', architecture: 'arm64', variant: 'v8' },
      ],
      profile: join(folder.path, 'tables/fancy.json'),
      include: ['labels.txt'],
      sloMs: 80,
      maxBatch: 4,
    });
  });

  it.each([
    ['oci:../bases:node', (here: string) => `oci:${join(here, '../bases')}:node`],
    ['oci:/srv/bases', () => 'oci:/srv/bases'],
  ])('name a base by a path relative to its folder: %s', async (base, expected) => {
    await options(`base: ${base}\nprofile: /srv/tables/t.json`);
    const chosen = { base: expected(folder.path), profile: '/srv/tables/t.json' };
    expect(await settings(model, '-t', 'registry.example/net:1')).toMatchObject(chosen);
  });

  it('are those of the command line before those of infless.yaml', async () => {
    await options('base: host\nslo: 80ms\nmaxBatch: 4\nprofile: t.json\ninclude: [labels.txt]');
    const flags = '--base node:22 --slo 1s --max-batch 16 --no-profile --include more.txt --cpu 0.5';
    expect(await settings(model, ...TAG, ...flags.split(' '))).toMatchObject({
      base: 'node:22',
      sloMs: 1000,
      maxBatch: 16,
      profile: false,
      include: ['labels.txt', 'more.txt'],
      cpuMillicores: 500,
    });
  });

  it('of infless.yaml are for the model it names, and name the one of its folder', async () => {
    await options('model: other.onnx\nname: other-name');
    const other = await folder.write('other.onnx', LINEAR);
    expect(await settings(model, ...TAG)).toMatchObject({ modelName: 'net' });
    expect(await settings(other, ...TAG)).toMatchObject({ modelName: 'other-name' });
    expect(await settings(folder.path, ...TAG)).toMatchObject({ model: { path: other } });
  });

  it.each([
    [
      'a key that is none',
      'nmae: fancy',
      /infless\.yaml has a key "nmae", which is no option\. Did you mean name\?/,
    ],
    [
      'a value of a wrong kind',
      'maxBatch: many',
      /^"maxBatch" in .*infless\.yaml "many" is not a whole number from 1 to 4096/,
    ],
    ['no YAML', 'a: [', /infless\.yaml is not valid YAML/],
  ])('are refused where infless.yaml has %s', async (_, text, sentence) => {
    await options(text);
    await expect(settings(model, ...TAG)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      sentence: expect.stringMatching(sentence),
    });
  });

  it('say where an image goes that is not pushed', async () => {
    const destination = async (...flags: string[]) => (await settings(model, ...flags)).destination;
    expect(await destination('-o', 'oci:a/b')).toEqual({
      kind: 'layout',
      layout: { directory: 'a/b' },
    });
    expect(await destination('-o', 'oci:a/b', ...TAG)).toEqual({
      kind: 'layout',
      layout: { directory: 'a/b', tag: '1' },
    });
    expect(await destination('-o', 'oci:a/b:2', ...TAG)).toMatchObject({ layout: { tag: '2' } });
    expect(await destination('-o', 'docker-archive:net.tar', ...TAG)).toMatchObject({
      file: 'net.tar',
    });
    expect(await destination('--dockerfile', 'out')).toEqual({ kind: 'dockerfile', directory: 'out' });
  });

  it.each([
    [['-t', 'registry.example/net:%'], 'the tag "%" must be'],
    [[...TAG, '--platform', 'linux'], '"linux" is no platform'],
    [[...TAG, '--model-name', 'a/b'], '"a/b" cannot be the name of a model'],
    [[...TAG, '--slo', '200'], '"200" is not a duration'],
    [[...TAG, '--slo', '0.5ms'], 'shorter than a millisecond'],
    [[...TAG, '--max-batch', '0'], '--max-batch "0" is not a whole number from 1 to 4096'],
    [[...TAG, '--cpu', 'some'], '"some" is not an amount of CPU'],
    [['-o', 'oci:x', '--emit', 'compose'], 'needs the name of the image'],
    [['-o', 'docker-archive:x'], 'needs a name with a tag'],
    [['-o', 'ftp:x'], 'Output "ftp:x" is none that we can write'],
    [['-o', 'oci:x', '--dockerfile', 'y'], 'Both -o and --dockerfile'],
  ] satisfies [string[], string][])('are refused: %j', async (flags, sentence) => {
    await expect(settings(model, ...flags)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      sentence: expect.stringContaining(sentence),
    });
  });

  it('find the options of a folder given as the model', async () => {
    await mkdir(join(folder.path, 'sub'));
    await folder.write('sub/model.onnx', LINEAR);
    await folder.write('sub/infless.yaml', Buffer.from('version: "3"'));
    expect(await settings(join(folder.path, 'sub'), ...TAG)).toMatchObject({
      modelName: 'sub',
      version: '3',
    });
  });
});
