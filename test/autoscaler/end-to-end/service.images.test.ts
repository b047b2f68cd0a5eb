import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { cacheDirectory } from '../../../models/base/files.ts';
import { engineFor } from '../../../models/engines/index.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelFile } from '../../../models/manifest/manifest.ts';
import { predictBody } from '../../../models/protocols/tensorflow-serving.ts';
import { locateModel } from '../../../models/resolve/locate-model.ts';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import { type PackOptions, pack } from '../../../packager/pack.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { readHost } from '../../../profiles/host.ts';
import { profileDirectory, saveTable } from '../../../profiles/store.ts';
import { AMD64, ARM64, baseImage, HERE, smallBase } from '../../packager/contents/bases.ts';
import { bundleOf } from '../../packager/oci/sample-bundle.ts';
import { DebianRegistry } from '../../packager/registry/debian-registry.ts';
import { SmallRegistry } from '../../packager/registry/small-registry.ts';
import { cell, table } from '../../profiles/sample-table.ts';
import { ModelFolder } from '../../support/tiny-models.ts';
import { measuredCache, RunningService } from './running-service.ts';

const DIGITS = { name: 'digits', slo: '500ms' };

let cache: string;
let mnist: ModelFile;
let running: RunningService;
beforeAll(async () => {
  const usual = cacheDirectory();
  cache = await measuredCache();
  await share(usual, 'layers', 'runtime');
  mnist = await resolveModel('mnist');
  await packed(); // the runtime, which all images share
  running = await RunningService.start();
}, 180_000);
afterAll(async () => {
  await running.stop();
  await rm(cache, { recursive: true, force: true });
});

/** The runtime layer takes long to build, and is the same in every test. */
async function share(usual: string, ...shelves: readonly string[]): Promise<void> {
  for (const shelf of shelves) {
    await mkdir(join(usual, shelf), { recursive: true });
    await symlink(join(usual, shelf), join(cache, shelf));
  }
}

let folder: ModelFolder;
beforeEach(async () => {
  folder = await ModelFolder.create();
  onTestFinished(() => folder.remove());
});

async function packed(options: Partial<PackOptions> = {}) {
  return pack({ model: await locateModel('mnist'), base: smallBase(), platforms: [HERE], ...options });
}

/** An image of mnist in a layout of its own, by default with the table that was measured here. */
async function layoutOf(options?: Partial<PackOptions>): Promise<string> {
  const layout = join(folder.path, 'layout');
  await writeLayout(await packed(options), layout, { tag: '1' });
  return `oci:${layout}:1`;
}

async function declare(declaration: Readonly<Record<string, unknown>>) {
  const answer = await running.declare({ ...DIGITS, ...declaration });
  onTestFinished(() => running.request('DELETE', '/api/functions/digits').then(() => {}));
  return answer;
}

async function refusal(declaration: Readonly<Record<string, unknown>>) {
  const { status, text } = await running.declare({ ...DIGITS, ...declaration });
  return { status, error: (JSON.parse(text) as { error: string }).error };
}

/** What is deployed answers as the engine does with the model that was packed. */
async function expectSameAnswers(): Promise<void> {
  const feeds = generateInputs(mnist.manifest, { batch: 2, seed: 5 });
  const session = await engineFor('onnx').open(mnist, { cpuMillicores: 1000, gpuPercent: 0 });
  const { predictions: wanted } = await session.run(feeds);
  await session.close();
  const body = Uint8Array.from(predictBody(feeds, 'row'));
  const answer = await running.request('POST', '/function/digits', body);
  expect(answer.status, answer.text).toBe(200);
  const { predictions } = answer.json<{ predictions: number[][] }>();
  expect(predictions.flat().map(Math.fround)).toEqual([...(wanted!.data as Float32Array)]);
}

describe('an image', () => {
  it('of a layout is served by its own table', async () => {
    const image = await layoutOf();
    const deployed = await declare({ image });
    expect(deployed.status, deployed.text).toBe(201);
    const { profile, model, warnings, declaration } = await running.status('digits');
    expect(declaration).toEqual({ ...DIGITS, image });
    expect(model?.digest).toBe(mnist.manifest.digest);
    expect(model?.path).toContain(join(cache, 'unpacked'));
    expect(profile).toContain(join(cache, 'images'));
    expect(warnings).toEqual([]);
    expect(await readFile(model!.path)).toEqual(await readFile(mnist.path));
    await expectSameAnswers();
  });

  it('of a registry is fetched without its base and runtime, and its model once only', async (context) => {
    const registry = await DebianRegistry.start(context);
    const image = `${registry.host}/team/digits:1`;
    const bundle = await packed();
    await pushBundle(bundle, parseReference(image), { insecure: true });
    await rm(join(cache, 'unpacked'), { recursive: true, force: true });
    await registry.requests();

    expect((await declare({ image, insecure: true })).status).toBe(201);
    const [base, runtime, model, info] = bundle.images[0]!.layers.map(({ descriptor }) => descriptor.digest);
    const first = (await registry.requests()).join('\n');
    expect(first).toContain(model);
    expect(first).toContain(info);
    expect(first).not.toContain(base);
    expect(first).not.toContain(runtime);
    await expectSameAnswers();

    expect((await declare({ image, insecure: true, slo: '400ms' })).status).toBe(201);
    expect((await registry.requests()).join('\n')).not.toContain(model);
  });

  it('with a table of another host is deployed by one that was measured here, else by its own and says so', async () => {
    const file = await saveTable(
      table([cell(1, 1000, 5)], { model: mnist.manifest }),
      join(folder.path, 'elsewhere.json'),
    );
    const image = await layoutOf({ profile: file });
    expect((await declare({ image })).status).toBe(201);
    const { profile, warnings: none } = await running.status('digits');
    expect(profile).toContain(profileDirectory());
    expect(none).toEqual([]);

    await rename(profileDirectory(), `${profileDirectory()}-aside`);
    onTestFinished(() => rename(`${profileDirectory()}-aside`, profileDirectory()));
    expect((await declare({ image, slo: '400ms' })).status).toBe(201);
    const { warnings } = await running.status('digits');
    const { cpuModel } = await readHost();
    expect(warnings).toEqual([
      expect.stringMatching(
        /^The profile table of image oci:.* was measured on Imaginary CPU, this host is /,
      ),
    ]);
    expect(warnings[0]).toContain(cpuModel);
    expect(warnings[0]).toContain('infless-profile');
    await expectSameAnswers();
  });

  it('yields to a table that the declaration names, and without one to what is found here', async () => {
    const [measured] = await readdir(profileDirectory());
    const profile = join(profileDirectory(), measured!);
    await declare({ image: await layoutOf(), profile });
    expect((await running.status('digits')).profile).toBe(profile);
    await rm(join(folder.path, 'layout'), { recursive: true });
    await declare({ image: await layoutOf({ profile: false }) });
    expect((await running.status('digits')).profile).toBe(profile);
  });

  it('that was damaged in the cache is unpacked again, and one that is whole is not', async () => {
    const image = await layoutOf();
    await declare({ image });
    const { path } = (await running.status('digits')).model!;
    const { ino } = await stat(path);
    await declare({ image });
    expect((await stat(path)).ino).toBe(ino);
    await writeFile(path, 'cut short');
    expect((await declare({ image })).status).toBe(201);
    expect((await stat(path)).size).toBe(mnist.manifest.sizeBytes);
  });

  it('of a registry that is down is served as it was last fetched, and says so', async () => {
    const registry = await SmallRegistry.start();
    const image = `${registry.host}/team/digits:1`;
    await pushBundle(await packed(), parseReference(image), { insecure: true });
    await declare({ image, insecure: true });
    expect((await running.status('digits')).warnings).toEqual([]);
    registry.stop();
    expect((await declare({ image, insecure: true })).status).toBe(201);
    expect((await running.status('digits')).warnings).toEqual([
      expect.stringMatching(/refuses connections .*: image .* is served as it was last fetched\.$/),
    ]);
    await expectSameAnswers();
    await rm(join(cache, 'unpacked'), { recursive: true });
    expect((await refusal({ image, insecure: true })).status).toBe(503);
  });

  it('of a functions file is found relative to the file', async () => {
    await layoutOf();
    const file = join(folder.path, 'functions.yaml');
    await writeFile(file, 'functions:\n  - {name: digits, image: "oci:layout:1", slo: 500ms}\n');
    const other = await RunningService.start({ functionsFile: file });
    onTestFinished(() => other.stop());
    const { declaration } = await other.status('digits');
    expect(declaration).toMatchObject({ image: `oci:${join(folder.path, 'layout')}:1` });
  });
});

describe('an image that cannot be deployed', () => {
  it.each([
    [{ image: 'oci:nowhere', model: 'mnist' }, /"model".*"image".*not both/],
    [{}, /"model" or "image" must be given/],
    [{ image: 'Team/Model' }, /"image".*names no image/],
    [{ image: 'oci:' }, /"image".*names no folder/],
    [{ model: 'mnist', insecure: true }, /"insecure"/],
  ])('%j is declared wrong', async (declaration, error) => {
    expect(await refusal(declaration)).toEqual({ status: 400, error: expect.stringMatching(error) });
  });

  it('is none', async () => {
    expect(await refusal({ image: `oci:${folder.path}` })).toEqual({
      status: 404,
      error: expect.stringContaining('is no OCI layout'),
    });
    const image = await layoutOf();
    expect(await refusal({ image: image.replace(/:1$/, ':2') })).toEqual({
      status: 404,
      error: expect.stringContaining('has no image. Name one by its tag'),
    });
  });

  it('is not in the registry', async (context) => {
    const registry = await DebianRegistry.start(context);
    const { status, error } = await refusal({ image: `${registry.host}/nothing:1`, insecure: true });
    expect(status).toBe(404);
    expect(error).toContain('nothing');
  });

  it('lies in a registry that does not answer', async () => {
    const { status, error } = await refusal({ image: '127.0.0.1:1/team/model:1', insecure: true });
    expect(status).toBe(503);
    expect(error).toMatch(/^Registry 127\.0\.0\.1:1 refuses connections/);
  });

  it('has no model of ours', async () => {
    const layout = join(folder.path, 'layout');
    await writeLayout(bundleOf([await baseImage(HERE)]), layout, { tag: '1' });
    expect(await refusal({ image: `oci:${layout}:1` })).toEqual({
      status: 400,
      error: expect.stringContaining('was not made by infless-pack'),
    });
  });

  it('is of another platform', async () => {
    const other = HERE.architecture === 'arm64' ? AMD64 : ARM64;
    const image = await layoutOf({ platforms: [other] });
    expect(await refusal({ image })).toEqual({
      status: 404,
      error: expect.stringContaining(
        `is for linux/${other.architecture}, not for linux/${HERE.architecture}`,
      ),
    });
  });

  it('has weights that are not those of its digest, and leaves nothing behind', async () => {
    const bundle = await packed();
    const layout = join(folder.path, 'layout');
    await writeLayout(bundle, layout, { tag: '1' });
    const { digest } = bundle.images[0]!.layers[2]!.descriptor;
    const blob = join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length));
    const bytes = await readFile(blob);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(blob, bytes);
    await rm(join(cache, 'unpacked'), { recursive: true, force: true });
    expect(await refusal({ image: `oci:${layout}:1` })).toEqual({
      status: 422,
      error: expect.stringMatching(/has digest sha256:\w+ where sha256:\w+ is expected/),
    });
    expect(await readdir(join(cache, 'unpacked'))).toEqual([]);
  });

  it('has no table, and none is known here', async () => {
    const model = await locateModel('textcnn-69');
    const image = await layoutOf({ model, profile: false });
    expect(await refusal({ image })).toEqual({
      status: 422,
      error: expect.stringMatching(/^No profile table is known for image oci:.*infless-profile .*\.onnx/),
    });
  });
});
