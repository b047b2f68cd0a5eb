import { mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { streamToFile } from '../../../models/base/files.ts';
import { fileIdentity, remembered } from '../../../models/base/memory.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-memory-'));
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder, 'cache'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe('a remembered value', () => {
  const find = vi.fn(async () => 7);
  const recall = (...key: unknown[]) => remembered('sevens', key, z.number(), find);

  beforeEach(() => find.mockClear());

  it('is found once for each key', async () => {
    expect([await recall('a', 1), await recall('a', 1), await recall('a', 2)]).toEqual([7, 7, 7]);
    expect(find).toHaveBeenCalledTimes(2);
  });

  it.each(['{', '"eight"', ''])('is found again when the memory says %j', async (text) => {
    await recall('a');
    const shelf = join(folder, 'cache', 'sevens');
    for (const name of await readdir(shelf)) await writeFile(join(shelf, name), text);
    expect(await recall('a')).toBe(7);
    expect(find).toHaveBeenCalledTimes(2);
  });

  it('is found each time where nothing can be kept', async () => {
    vi.stubEnv('INFLESS_CACHE_DIR', '/dev/null/cache');
    expect([await recall('a'), await recall('a')]).toEqual([7, 7]);
    expect(find).toHaveBeenCalledTimes(2);
  });
});

describe('the identity of a file', () => {
  it('stays while the file does, and changes with content of the same length and date', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'a');
    const first = await fileIdentity(file);
    expect(await fileIdentity(file)).toBe(first);
    const { atime, mtime } = await stat(file);
    await writeFile(join(folder, 'other'), 'b');
    await utimes(join(folder, 'other'), atime, mtime);
    await rename(join(folder, 'other'), file);
    expect(await fileIdentity(file)).not.toBe(first);
    expect(await fileIdentity(join(folder, 'missing'))).toBeUndefined();
  });
});

describe('streaming into a file', () => {
  it('leaves the old one and nothing else when the source fails', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'old');
    const source = Readable.from(
      (async function* () {
        yield Buffer.from('new');
        throw new Error('gone');
      })(),
      { objectMode: false },
    );
    await expect(streamToFile([source], file)).rejects.toThrow('gone');
    expect(await readdir(folder)).toEqual(['file']);
    expect((await stat(file)).size).toBe(3);
    await streamToFile([Readable.from([Buffer.from('newer')])], file);
    expect((await stat(file)).size).toBe(5);
  });

  it('says which file cannot be written', async () => {
    const file = join(folder, 'missing', 'file');
    const source = Readable.from([Buffer.from('new')]);
    await expect(streamToFile([source], file, { remedy: 'Look elsewhere.' })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: `File ${file} cannot be written (ENOENT)`,
      remedy: 'Look elsewhere.',
    });
  });
});
