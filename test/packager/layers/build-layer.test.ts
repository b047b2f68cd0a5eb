import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fileIdentity } from '../../../models/base/memory.ts';
import { buildLayer } from '../../../packager/layers/build-layer.ts';
import { gzip } from '../../../packager/layers/gzip.ts';
import { digestOf } from '../../../packager/oci/blob.ts';
import { verified } from '../../../packager/oci/verified.ts';
import type { FileEntry } from '../../../packager/tar/tar-entry.ts';
import { mountDisk } from '../../support/tools.ts';
import { readTar, textFile } from '../oci/entries.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-layers-'));
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder, 'cache'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function weights(file: string, onOpen?: () => void): Promise<FileEntry> {
  return {
    type: 'file',
    path: 'models/weights.bin',
    mode: 0o600,
    sizeBytes: (await stat(file)).size,
    identity: await fileIdentity(file),
    open: (fromByte = 0) => {
      onOpen?.();
      return createReadStream(file, { start: fromByte });
    },
  };
}

describe('a layer of weights', () => {
  const options = { compress: false, title: 'weights' };

  it('is the tar of the file, read from the file itself', async () => {
    const file = join(folder, 'weights.bin');
    await writeFile(file, randomBytes(300_000));
    const layer = await buildLayer([await weights(file)], options);
    const bytes = await buffer(verified(layer, 'weights'));
    expect(layer.diffId).toBe(layer.descriptor.digest);
    expect(layer.descriptor.mediaType).toBe('application/vnd.oci.image.layer.v1.tar');
    expect((await readTar(bytes)).map(({ name }) => name)).toEqual(['models/', 'models/weights.bin']);
    expect((await buffer(layer.open(100_000))).equals(bytes.subarray(100_000))).toBe(true);
  });

  it('is read for its digest once, until the file is another one', async () => {
    const file = join(folder, 'weights.bin');
    await writeFile(file, 'a');
    const onOpen = vi.fn();
    const first = await buildLayer([await weights(file, onOpen)], options);
    const again = await buildLayer([await weights(file, onOpen)], options);
    expect(again.descriptor).toEqual(first.descriptor);
    expect(onOpen).toHaveBeenCalledTimes(1);

    const { atime, mtime } = await stat(file);
    await writeFile(file, 'b'); // as long as before,
    await utimes(file, atime, mtime); // and as old
    const changed = await buildLayer([await weights(file, onOpen)], options);
    expect(changed.descriptor.digest).not.toBe(first.descriptor.digest);
    expect(await buffer(verified(changed, 'weights'))).toHaveLength(first.descriptor.size);
  });

  it('whose file changes after it was hashed is not passed on', async () => {
    const file = join(folder, 'weights.bin');
    await writeFile(file, 'a');
    const layer = await buildLayer([await weights(file)], options);
    await writeFile(file, 'b');
    await expect(buffer(verified(layer, 'weights.bin'))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining(`where ${layer.descriptor.digest} is expected`),
    });
  });

  it('needs no cache that can be written', async () => {
    vi.stubEnv('INFLESS_CACHE_DIR', '/dev/null/cache');
    const layer = await buildLayer([textFile('a', 'b')], options);
    expect(digestOf(await buffer(layer.open()))).toBe(layer.diffId);
  });

  it('bears the time of SOURCE_DATE_EPOCH', async () => {
    const entries = [textFile('a', 'b')];
    const old = await buildLayer(entries, options);
    vi.stubEnv('SOURCE_DATE_EPOCH', '1700000000');
    const dated = await buildLayer(entries, options);
    expect(dated.diffId).not.toBe(old.diffId);
    const [entry] = await readTar(await buffer(dated.open()));
    expect(entry!.mtime).toEqual(new Date(1_700_000_000_000));
  });
});

describe('a compressed layer', () => {
  const options = { compress: true, title: 'runtime' };
  const entries = [
    textFile('app/main.js', 'console.log(1);\n'.repeat(30_000), 0o755),
    textFile('app/x', 'y'),
  ];

  it('is the tar, compressed', async () => {
    const layer = await buildLayer(entries, options);
    const plain = await buildLayer(entries, { ...options, compress: false });
    const bytes = await buffer(verified(layer, 'runtime'));
    expect(gunzipSync(bytes).equals(await buffer(plain.open()))).toBe(true);
    expect(layer.diffId).toBe(plain.diffId);
    expect(layer.descriptor.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+gzip');
    expect(layer.descriptor.size).toBeLessThan(plain.descriptor.size / 50);
  });

  it('has a digest that no machine, release or time changes', async () => {
    const layer = await buildLayer(entries, options);
    expect(layer.descriptor.digest).toMatchInlineSnapshot(
      `"sha256:f7897db90ccf2dee49e30611b5260dc099725b6818912f3c9a2e861a022c5f14"`,
    );
  });

  it('is compressed once, and again when what the cache holds was touched', async () => {
    const first = await buildLayer(entries, options);
    const unreadable = entries.map((entry) => ({
      ...entry,
      open: () => Readable.from(failing(), { objectMode: false }),
    }));
    const kept = await buildLayer(unreadable, options);
    expect(kept.descriptor).toEqual(first.descriptor);

    const shelf = join(folder, 'cache', 'layers');
    const file = (await readdir(shelf)).find((name) => name.endsWith('.tar.gz'))!;
    await truncate(join(shelf, file), 100);
    await expect(buildLayer(unreadable, options)).rejects.toThrow('not read again');
    expect((await readdir(shelf)).filter((name) => name.endsWith('.partial'))).toEqual([]);
    const mended = await buildLayer(entries, options);
    expect(mended.descriptor).toEqual(first.descriptor);
    expect(await buffer(verified(mended, 'runtime'))).toHaveLength(first.descriptor.size);
  });

  it('says which folder it needs', async () => {
    vi.stubEnv('INFLESS_CACHE_DIR', '/dev/null/cache');
    await expect(buildLayer(entries, options)).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: 'Folder /dev/null/cache/layers cannot be written (ENOTDIR)',
      remedy: 'Set INFLESS_CACHE_DIR to a folder that can be written and has room.',
    });
  });

  it('leaves nothing behind when interrupted', async () => {
    const interrupt = new AbortController();
    const halfway = {
      ...entries[0]!,
      open: () => {
        interrupt.abort();
        return entries[0]!.open();
      },
    };
    // so that the compression is what is interrupted
    await buildLayer([entries[0]!], { ...options, compress: false });
    const building = buildLayer([halfway], { ...options, signal: interrupt.signal });
    await expect(building).rejects.toMatchObject({ name: 'AbortError' });
    const left = await readdir(join(folder, 'cache', 'layers'));
    expect(left.filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  async function* failing(): AsyncGenerator<Buffer> {
    yield await Promise.reject(new Error('not read again'));
  }
});

describe('compression', () => {
  it('gives the same bytes however the stream was cut', async () => {
    const content = Buffer.concat([
      randomBytes(200_000),
      Buffer.alloc(500_000, 'infless '),
      randomBytes(100),
    ]);
    const whole = await buffer(Readable.from([content], { objectMode: false }).pipe(gzip()));
    expect(gunzipSync(whole).equals(content)).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(content.byteLength), { maxLength: 20 }), async (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), content.byteLength];
        const chunks = ends.map((end, i) => content.subarray(i === 0 ? 0 : ends[i - 1], end));
        const cut = Readable.from(
          chunks.filter(({ byteLength }) => byteLength > 0),
          { objectMode: false },
        );
        expect((await buffer(cut.pipe(gzip()))).equals(whole)).toBe(true);
      }),
      { numRuns: 8 },
    );
  });

  it('of nothing is an empty archive', async () => {
    const nothing = await buffer(Readable.from([], { objectMode: false }).pipe(gzip()));
    expect(gunzipSync(nothing)).toHaveLength(0);
  });
});

it('a compressed layer for which the cache has no room says so and leaves nothing', async (context) => {
  const disk = mountDisk(context, 64);
  vi.stubEnv('INFLESS_CACHE_DIR', disk);
  const noise = textFile('noise', randomBytes(100_000).toString('hex'));
  await expect(buildLayer([noise], { compress: true, title: 'noise' })).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    remedy: expect.stringContaining('INFLESS_CACHE_DIR'),
  });
  const written = (await readdir(join(disk, 'layers'))).filter((name) => !name.endsWith('.json'));
  expect(written).toEqual([]);
});
