import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { digestFile } from '../../../models/base/files.ts';
import type { WriteEvent } from '../../../packager/layout/progress.ts';
import { writeDockerArchive } from '../../../packager/layout/write-docker-archive.ts';
import { writeDockerfile } from '../../../packager/layout/write-dockerfile.ts';
import type { Bundle } from '../../../packager/oci/image.ts';
import { mountDisk } from '../../support/tools.ts';
import { readTar, textFile } from '../oci/entries.ts';
import { ARM64, bundleOf, sampleImage } from '../oci/sample-bundle.ts';

const NAME = 'registry.example/team/sample:1.0';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-archive-'));
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder, 'cache'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it('a Docker archive names the image for Docker and for containerd', async () => {
  const image = await sampleImage();
  const file = join(folder, 'sample.tar');
  await writeDockerArchive(bundleOf([image]), file, NAME);
  const texts = new Map((await readTar(await readFile(file))).map(({ name, text }) => [name, text]));
  const path = ({ digest }: { digest: string }) => `blobs/sha256/${digest.slice(7)}`;
  expect(JSON.parse(texts.get('manifest.json')!)).toEqual([
    {
      Config: path(image.config.descriptor),
      RepoTags: [NAME],
      Layers: image.layers.map(({ descriptor }) => path(descriptor)),
    },
  ]);
  expect(JSON.parse(texts.get('index.json')!).manifests).toEqual([
    {
      ...image.manifest.descriptor,
      annotations: { 'io.containerd.image.name': NAME, 'org.opencontainers.image.ref.name': '1.0' },
    },
  ]);
});

it('a Docker archive is the same each time', async () => {
  const files = [join(folder, 'a.tar'), join(folder, 'b.tar')];
  for (const file of files) await writeDockerArchive(bundleOf([await sampleImage()]), file, NAME);
  const [first, second] = await Promise.all(files.map(digestFile));
  expect(first).toBe(second);
});

const writers: Record<string, (bundle: Bundle, onProgress?: (event: WriteEvent) => void) => Promise<void>> = {
  'A Docker archive': (bundle, onProgress) =>
    writeDockerArchive(bundle, join(folder, 'out', 'sample'), NAME, { onProgress }),
  'A Dockerfile': (bundle, onProgress) =>
    writeDockerfile(bundle, join(folder, 'out', 'sample'), { onProgress }),
};

it.each(Object.keys(writers))('%s is for one platform', async (what) => {
  const bundle = bundleOf([await sampleImage(), await sampleImage({ platform: ARM64 })]);
  await expect(writers[what]!(bundle)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: `${what} holds an image of one platform, not of linux/amd64, linux/arm64`,
  });
});

it.each(Object.keys(writers))('%s of a broken layer leaves nothing', async (what) => {
  const image = await sampleImage();
  const open = () => Readable.from([Buffer.alloc(100)], { objectMode: false });
  const layers = image.layers.map((layer) => ({ ...layer, open }));
  await expect(writers[what]!(bundleOf([{ ...image, layers }]))).rejects.toMatchObject({
    code: 'IMAGE_CORRUPT',
  });
  expect(await readdir(join(folder, 'out'))).toEqual([]);
});

it.for(['A Docker archive', 'A Dockerfile'])(
  '%s on a full disk says so and leaves nothing',
  async (what, context) => {
    const disk = mountDisk(context, 64);
    const weights = [textFile('models/weights.bin', 'x'.repeat(200_000))];
    const bundle = bundleOf([await sampleImage({ weights })]);
    const write =
      what === 'A Dockerfile'
        ? writeDockerfile(bundle, join(disk, 'context'))
        : writeDockerArchive(bundle, join(disk, 'sample.tar'), NAME);
    await expect(write).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringMatching(/cannot be written \(ENOSPC\)$/),
    });
    expect(await readdir(disk)).toEqual([]);
  },
);

it.each(Object.keys(writers))('%s tells how far it is', async (what) => {
  const weights = [textFile('models/weights.bin', 'x'.repeat(1_000_000))];
  const image = await sampleImage({ weights });
  const events: WriteEvent[] = [];
  await writers[what]!(bundleOf([image]), (event) => events.push(event));
  const { descriptor } = image.layers[1]!;
  const ofWeights = events.filter((event) => event.descriptor.digest === descriptor.digest);
  const written = ofWeights.flatMap((event) => (event.type === 'writing' ? [event.writtenBytes] : []));
  expect(written.at(-1)).toBe(descriptor.size);
  expect(written).toEqual(written.toSorted((a, b) => a - b));
  expect(ofWeights.at(-1)).toEqual({ type: 'done', descriptor, outcome: 'written' });
});

it('a Dockerfile unpacks only the layers above a base that has a name', async () => {
  const context = join(folder, 'context');
  const base = { name: 'node:22-slim', layerCount: 1 };
  await writeDockerfile(bundleOf([await sampleImage()]), context, { base });
  expect((await readdir(context)).sort()).toEqual(['Dockerfile', 'layer-1.tar']);
  expect(await readFile(join(context, 'Dockerfile'), 'utf8')).toMatchInlineSnapshot(`
    "FROM node:22-slim
    ADD layer-1.tar /
    ENV HOST="0.0.0.0"
    ENV GREETING="say \\"hello\\" for \\$5"
    LABEL org.opencontainers.image.title="sample"
    LABEL note="two lines"
    EXPOSE 8080/tcp
    WORKDIR /app
    USER 65532
    ENTRYPOINT ["/app/main.js"]
    CMD ["--quiet","a b"]
    "
  `);
});

it('a Dockerfile goes into no folder that holds something', async () => {
  await expect(writeDockerfile(bundleOf([await sampleImage()]), folder)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: `Folder ${folder} holds something already`,
  });
});
