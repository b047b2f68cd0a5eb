import { copyFile, mkdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { packageVersion } from '../../models/base/package.ts';
import { locateModel } from '../../models/resolve/locate-model.ts';
import { LayoutSource } from '../../packager/layout/layout-source.ts';
import { writeLayout } from '../../packager/layout/write-layout.ts';
import { readDocument } from '../../packager/oci/document.ts';
import type { Image } from '../../packager/oci/image.ts';
import { MEDIA_TYPES } from '../../packager/oci/media-types.ts';
import { imageConfigSchema, imageIndexSchema, imageManifestSchema } from '../../packager/oci/schema.ts';
import { verifyBundle } from '../../packager/oci/verify-bundle.ts';
import { type Packed, type PackOptions, pack } from '../../packager/pack.ts';
import { saveTable } from '../../profiles/store.ts';
import { cell, table } from '../profiles/sample-table.ts';
import { LINEAR_GRAPH, writeTfjsModel } from '../support/tfjs-models.ts';
import { identityGraph, LINEAR, ModelFolder } from '../support/tiny-models.ts';
import { AMD64, ARM64, baseImage, smallBase } from './contents/bases.ts';

let folder: ModelFolder;
let model: string;
beforeEach(async () => {
  folder = await ModelFolder.create();
  model = await folder.write('net.onnx', LINEAR);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

async function packed(path = model, options: Partial<PackOptions> = {}): Promise<Packed> {
  return pack({ model: await locateModel(path), base: smallBase(), platforms: [AMD64], ...options });
}

const configOf = (image: Image) => readDocument(image.config, imageConfigSchema, 'it', 'config');
const manifestOf = (image: Image) => readDocument(image.manifest, imageManifestSchema, 'it', 'manifest');
const layersOf = ({ images: [image] }: Packed) => image!.layers.map(({ descriptor }) => descriptor.digest);

describe('a packed model', () => {
  it('is an image whose every digest is right', async () => {
    const bundle = await packed();
    expect((await verifyBundle(bundle, 'it')).problems).toEqual([]);
    expect(bundle.root).toBe(bundle.images[0]!.manifest);
  });

  it('has base, runtime, weights and description in layers of their own', async () => {
    const { images } = await packed();
    const { history } = await configOf(images[0]!);
    expect(history?.filter((entry) => !entry.empty_layer).map(({ comment }) => comment)).toEqual([
      undefined,
      `serving runtime of infless ${packageVersion}`,
      'model file net.onnx',
      'model manifest and SBOM',
    ]);
    expect(history?.every(({ created }) => created !== undefined)).toBe(true);
    expect(images[0]!.layers.map(({ descriptor }) => descriptor.mediaType)).toEqual([
      MEDIA_TYPES.layer,
      MEDIA_TYPES.layerGzip,
      MEDIA_TYPES.layer,
      MEDIA_TYPES.layer,
    ]);
  });

  it('starts the serving process, for anybody, as nobody', async () => {
    const { config } = await configOf(
      (await packed(model, { defaults: { maxBatch: 4, sloMs: 50 } })).images[0]!,
    );
    expect(config).toMatchObject({
      User: '65532:65532',
      ExposedPorts: { '8080/tcp': {} },
      Entrypoint: ['node', '/opt/infless/node_modules/infless/dist/packager/server/bin.js'],
      Labels: { 'base.example/of': 'the base', 'io.infless.model.name': 'net' },
    });
    expect(config).not.toHaveProperty('Cmd');
    expect(config?.Env).toEqual(
      expect.arrayContaining([
        'PATH=/usr/local/bin:/usr/bin',
        'INFLESS_MODEL=/model/net.onnx',
        'INFLESS_MODEL_NAME=net',
        'INFLESS_HOST=0.0.0.0',
        'INFLESS_PORT=8080',
        'INFLESS_MAX_BATCH=4',
        'INFLESS_SLO_MS=50',
      ]),
    );
  });

  it('tells what it is in annotations', async () => {
    const { images, model: manifest } = await packed(model, {
      version: '7',
      source: 'https://models.example/net',
    });
    const { annotations } = await manifestOf(images[0]!);
    expect(annotations).toMatchObject({
      'org.opencontainers.image.title': 'net',
      'org.opencontainers.image.version': '7',
      'org.opencontainers.image.source': 'https://models.example/net',
      'org.opencontainers.image.base.name': 'registry.example/node:22',
      'io.infless.model.digest': manifest.digest,
    });
    expect(annotations).not.toHaveProperty('io.infless.profile.digest');
  });

  it('has its SBOM attached', async () => {
    const { images, referrers } = await packed();
    const manifest = await readDocument(referrers[0]!.manifest, imageManifestSchema, 'it', 'referrer');
    expect(manifest.artifactType).toBe('application/vnd.cyclonedx+json');
    expect(manifest.subject).toEqual(images[0]!.manifest.descriptor);
    const { annotations } = await manifestOf(images[0]!);
    expect(manifest.layers[0]!.digest).toBe(annotations?.['io.infless.sbom.digest']);
  });

  it('is an index for several platforms, which share the layers of the model', async () => {
    const bundle = await packed(model, { platforms: [AMD64, ARM64] });
    const index = await readDocument(bundle.root, imageIndexSchema, 'it', 'index');
    expect(index.manifests.map(({ platform }) => platform)).toEqual([AMD64, ARM64]);
    expect(bundle.referrers).toHaveLength(2);
    const [amd64, arm64] = bundle.images.map(({ layers }) =>
      layers.map(({ descriptor }) => descriptor.digest),
    );
    expect(amd64![2]).toBe(arm64![2]);
    expect(amd64![1]).not.toBe(arm64![1]);
  });

  it('ends when it is told to', async () => {
    const reason = new Error('enough');
    await expect(packed(model, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('the digest of a packed model', () => {
  it('is the same for the same model elsewhere, at another time', async () => {
    const elsewhere = join(folder.path, 'copy', 'of');
    await mkdir(elsewhere, { recursive: true });
    await copyFile(model, join(elsewhere, 'net.onnx'));
    await utimes(join(elsewhere, 'net.onnx'), 1, 1);
    const first = await packed();
    const second = await packed(join(elsewhere, 'net.onnx'));
    expect(second.root.descriptor).toEqual(first.root.descriptor);
  });

  it('does not tell where on the machine the base lies', async () => {
    const base = await baseImage(AMD64);
    const inLayout = async (name: string) => {
      const directory = join(folder.path, name);
      await writeLayout({ root: base.manifest, images: [base], referrers: [] }, directory);
      return packed(model, { base: new LayoutSource({ directory }) });
    };
    const [first, second] = [await inLayout('here'), await inLayout('there')];
    expect(second.root.descriptor).toEqual(first.root.descriptor);
    expect((await manifestOf(first.images[0]!)).annotations).toMatchObject({
      'org.opencontainers.image.base.digest': base.manifest.descriptor.digest,
    });
  });

  it('changes with the model in the layers of the model alone', async () => {
    const before = layersOf(await packed());
    await folder.write('net.onnx', identityGraph('float32', ['N', 4]));
    const after = layersOf(await packed());
    expect(after.map((digest, index) => digest === before[index])).toEqual([true, true, false, false]);
  });

  it('bears the time that the build is told', async () => {
    vi.stubEnv('SOURCE_DATE_EPOCH', '1700000000');
    const { images } = await packed();
    expect(await configOf(images[0]!)).toMatchObject({ created: '2023-11-14T22:13:20.000Z' });
  });
});

describe('the profile in an image', () => {
  const tableOf = async (path: string, digest?: string) => {
    const { model: manifest } = await packed(path, { profile: false });
    const measured = table([cell(1, 1000, 10)], { model: { ...manifest, ...(digest && { digest }) } });
    return { measured, file: await saveTable(measured, join(folder.path, 'measured.json')) };
  };

  it('is the one beside the model, found by its digest', async () => {
    const { measured, file } = await tableOf(model);
    const { profile, images } = await packed();
    expect(profile).toEqual({ file, table: measured });
    expect((await manifestOf(images[0]!)).annotations).toMatchObject({
      'io.infless.profile.digest': expect.stringMatching(/^sha256:/),
      'io.infless.profile.host': measured.host.fingerprint,
    });
    const { config } = await configOf(images[0]!);
    expect(config?.Env).toContain('INFLESS_PROFILE=/infless/profile.json');
    expect((await packed(model, { profile: false })).profile).toBeUndefined();
  });

  it('is refused where it is of another model, or none', async () => {
    const { file } = await tableOf(model, `sha256:${'0'.repeat(64)}`);
    await expect(packed(model, { profile: file })).rejects.toMatchObject({ code: 'PROFILE_INVALID' });
    const missing = join(folder.path, 'missing.json');
    await expect(packed(model, { profile: missing })).rejects.toMatchObject({ code: 'PROFILE_NOT_FOUND' });
  });
});

it('a base is refused that is for another platform', async () => {
  const base = { name: 'oci:base', fetch: () => baseImage(AMD64) };
  await expect(packed(model, { base, platforms: [ARM64] })).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    message: 'Base oci:base is for linux/amd64, not for linux/arm64',
  });
});

it('a TF.js model is packed with all of its shards, and knows no other runtime', async () => {
  const path = await writeTfjsModel(join(folder.path, 'linear'), LINEAR_GRAPH, { shardBytes: 8 });
  const { model: manifest, images, weightBytes } = await packed(path);
  expect(manifest).toMatchObject({ name: 'linear', format: 'tfjs', sizeBytes: weightBytes });
  const { config, history } = await configOf(images[0]!);
  expect(config?.Env).toContain('INFLESS_MODEL=/model/model.json');
  expect(history!.map(({ comment }) => comment)).toContain('4 files of the model');
});

describe('a model that cannot be packed', () => {
  it.each([
    ['no model', 'junk.onnx', Buffer.from('junk'), 'MODEL_CORRUPT'],
    ['of no known format', 'net.pt', Buffer.from('x'), 'MODEL_UNSUPPORTED'],
    ['a TF.js model without a graph', 'model.json', Buffer.from('{"weightsManifest":[]}'), 'MODEL_CORRUPT'],
  ])('is %s', async (_, name, content, code) => {
    await expect(packed(await folder.write(name, content))).rejects.toMatchObject({ code });
  });
});
