import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LayoutSource } from '../../../packager/layout/layout-source.ts';
import type { WriteEvent } from '../../../packager/layout/progress.ts';
import { writeLayout } from '../../../packager/layout/write-layout.ts';
import type { Blob } from '../../../packager/oci/blob.ts';
import type { Bundle } from '../../../packager/oci/image.ts';
import { readVerified } from '../../../packager/oci/verified.ts';
import { verifyBundle } from '../../../packager/oci/verify-bundle.ts';
import { mountDisk } from '../../support/tools.ts';
import { textFile } from '../oci/entries.ts';
import { AMD64, ARM64, bundleOf, referrerTo, sampleImage } from '../oci/sample-bundle.ts';

let folder: string;
let layout: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-layout-'));
  layout = join(folder, 'images', 'layout');
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder, 'cache'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Every file below a folder with its size. */
async function filesBelow(directory: string): Promise<Record<string, number>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file, (await stat(file)).size])));
}

function withBrokenLayer(bundle: Bundle, open: Blob['open']): Bundle {
  const [image] = bundle.images;
  const [runtime, weights] = image!.layers;
  return { ...bundle, images: [{ ...image!, layers: [runtime!, { ...weights!, open }] }] };
}

const cutOff = () => Readable.from([Buffer.alloc(100)], { objectMode: false });

describe('a layout', () => {
  it('is read back as it was written', async () => {
    const image = await sampleImage();
    const bundle = bundleOf([image], [referrerTo(image, 'about it')]);
    await writeLayout(bundle, layout, { tag: '1.0' });
    const read = await new LayoutSource({ directory: layout, tag: '1.0' }).open();
    expect(read.root.descriptor.digest).toBe(bundle.root.descriptor.digest);
    expect(read.images[0]!.platform).toEqual(AMD64);
    expect(read.images[0]!.layers.map(({ descriptor }) => descriptor)).toEqual(
      image.layers.map(({ descriptor }) => descriptor),
    );
    expect((await readVerified(read.referrers[0]!.blobs[1]!, 'note')).toString()).toBe('{"text":"about it"}');
    expect(await verifyBundle(read, 'it')).toMatchObject({ blobs: 7, problems: [] });
  });

  it('holds several platforms under one tag', async () => {
    const arm = await sampleImage({ platform: ARM64, runtime: [textFile('app/main.js', 'for arm')] });
    await writeLayout(bundleOf([await sampleImage(), arm]), layout, { tag: 'both' });
    const source = new LayoutSource({ directory: layout, tag: 'both' });
    expect((await source.fetch(ARM64)).manifest.descriptor.digest).toBe(arm.manifest.descriptor.digest);
    expect((await source.open()).images).toHaveLength(2);
    await expect(source.fetch({ os: 'linux', architecture: 's390x' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      remedy: 'It has linux/amd64, linux/arm64: choose one of these, or another image.',
    });
  });

  it('takes another image, whose common blobs are not written again', async () => {
    const events: WriteEvent[] = [];
    const onProgress = (event: WriteEvent) => events.push(event);
    const first = await sampleImage();
    const second = await sampleImage({ weights: [textFile('models/weights.bin', 'eight')] });
    await writeLayout(bundleOf([first]), layout, { tag: 'one' });
    await writeLayout(bundleOf([second]), layout, { tag: 'two', onProgress });
    const outcomes = events.flatMap((event) =>
      event.type === 'done' ? [[event.descriptor.digest, event.outcome]] : [],
    );
    const digestsOf = (blobs: readonly Blob[]) => blobs.map(({ descriptor }) => descriptor.digest);
    const [runtime, weights] = digestsOf(second.layers);
    expect(outcomes).toEqual([
      [second.config.descriptor.digest, 'written'],
      [runtime, 'present'],
      [weights, 'written'],
      [second.manifest.descriptor.digest, 'written'],
    ]);
    for (const [tag, image] of Object.entries({ one: first, two: second })) {
      const found = await new LayoutSource({ directory: layout, tag }).fetch(AMD64);
      expect(found.manifest.descriptor.digest).toBe(image.manifest.descriptor.digest);
    }
    await expect(new LayoutSource({ directory: layout }).fetch(AMD64)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `oci:${layout} has 2 images`,
      remedy: `Name one by its tag: oci:${layout}:one, oci:${layout}:two.`,
    });
  });

  it('gives a tag to the last image that got it, and an untagged one no other name', async () => {
    const second = await sampleImage({ weights: [textFile('models/weights.bin', 'eight')] });
    await writeLayout(bundleOf([await sampleImage()]), layout, { tag: 'latest' });
    await writeLayout(bundleOf([second]), layout, { tag: 'latest' });
    await writeLayout(bundleOf([second]), layout);
    await writeLayout(bundleOf([second]), layout);
    const { manifests } = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
    const { digest } = second.manifest.descriptor;
    expect(manifests).toMatchObject([
      { digest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } },
      { digest },
    ]);
    expect(manifests[1].annotations).toBeUndefined();
  });

  it('is told from another folder, which stays as it is', async () => {
    await mkdir(layout, { recursive: true });
    await writeFile(join(layout, 'thesis.tex'), 'years of work');
    await expect(writeLayout(bundleOf([await sampleImage()]), layout)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `${layout} is no OCI layout: it has no oci-layout`,
    });
    expect(await readdir(layout)).toEqual(['thesis.tex']);
  });

  it.each([
    ['ends early', cutOff, 'The image ends after 100 of the 7168 bytes'],
    ['is another one', () => Readable.from([Buffer.alloc(7168)]), 'The image has digest sha256:'],
    ['is longer', () => Readable.from([Buffer.alloc(7169)]), 'The image has more than the 7168 bytes'],
  ])('leaves nothing when a layer %s, new or added to', async (_, open, message) => {
    const broken = withBrokenLayer(bundleOf([await sampleImage()]), open);
    const failure = { code: 'IMAGE_CORRUPT', message: expect.stringContaining(message) };
    await expect(writeLayout(broken, layout)).rejects.toMatchObject(failure);
    expect(await readdir(join(folder, 'images'))).toEqual([]);

    const other = await sampleImage({
      runtime: [textFile('app/main.js', 'other')],
      weights: [textFile('a', 'b')],
    });
    await writeLayout(bundleOf([other]), layout, { tag: 'other' });
    const before = await filesBelow(layout);
    await expect(writeLayout(broken, layout)).rejects.toMatchObject(failure);
    expect(await filesBelow(layout)).toEqual(before);
  });

  it('fills an empty folder in place, as it may be a mounted volume', async (context) => {
    const bundle = bundleOf([await sampleImage()]);
    const disk = mountDisk(context, 1024);
    await expect(writeLayout(withBrokenLayer(bundle, cutOff), disk)).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
    });
    expect(await readdir(disk)).toEqual([]);
    await writeLayout(bundle, disk);
    expect(await verifyBundle(await new LayoutSource({ directory: disk }).open(), 'it')).toMatchObject({
      blobs: 4,
      problems: [],
    });
    expect(await readdir(dirname(disk))).toEqual(['disk']);
  });

  it('leaves nothing when interrupted', async () => {
    const interrupt = new AbortController();
    const bundle = bundleOf([await sampleImage()]);
    const options = {
      signal: interrupt.signal,
      onProgress: ({ type }: WriteEvent) => type === 'writing' && interrupt.abort(),
    };
    await expect(writeLayout(bundle, layout, options)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readdir(join(folder, 'images'))).toEqual([]);
  });

  it('says where it cannot be written', async () => {
    const bundle = bundleOf([await sampleImage()]);
    await expect(writeLayout(bundle, '/dev/null/layout')).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: 'Folder /dev/null/layout cannot be read (ENOTDIR)',
    });
  });

  it('on a full disk says so and leaves nothing', async (context) => {
    const disk = mountDisk(context, 64);
    const weights = [textFile('models/weights.bin', 'x'.repeat(200_000))];
    const bundle = bundleOf([await sampleImage({ weights })]);
    await expect(writeLayout(bundle, join(disk, 'layout'))).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringMatching(/cannot be written \(ENOSPC\)$/),
      remedy: 'Choose a folder that can be written and has room.',
    });
    expect(await readdir(disk)).toEqual([]);
  });

  it('on a full disk keeps what it held', async (context) => {
    const disk = mountDisk(context, 256);
    const held = join(disk, 'layout');
    await writeLayout(bundleOf([await sampleImage()]), held, { tag: 'first' });
    const before = await filesBelow(disk);
    const weights = [
      textFile('models/a.bin', 'x'.repeat(100_000)),
      textFile('models/b.bin', 'y'.repeat(900_000)),
    ];
    await expect(
      writeLayout(bundleOf([await sampleImage({ weights })]), held, { tag: 'second' }),
    ).rejects.toMatchObject({ code: 'STORAGE_FAILED', message: expect.stringMatching(/\(ENOSPC\)$/) });
    expect(await filesBelow(disk)).toEqual(before);
  });

  it('that lost a blob says which', async () => {
    const image = await sampleImage();
    await writeLayout(bundleOf([image]), layout);
    const { digest } = image.layers[1]!.descriptor;
    await rm(join(layout, 'blobs', 'sha256', digest.slice(7)));
    const read = await new LayoutSource({ directory: layout }).fetch(AMD64);
    await expect(readVerified(read.layers[1]!, 'it')).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: `oci:${layout} lacks its blob ${digest}`,
    });
  });

  it.each([
    ['oci-layout', '{"imageLayoutVersion":"9"}', 'oci-layout of'],
    ['index.json', '{"schemaVersion":2,"manifests":[{}]}', 'index.json of'],
    ['index.json', 'not json', 'is no JSON'],
  ])('with a damaged %s (%s) is refused', async (name, text, message) => {
    await writeLayout(bundleOf([await sampleImage()]), layout);
    await writeFile(join(layout, name), text);
    await expect(new LayoutSource({ directory: layout }).open()).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining(message),
    });
  });
});
