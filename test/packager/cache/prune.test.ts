import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { heldEntries, holdEntry } from '../../../packager/cache/holders.ts';
import { type CacheLimits, pruneShelf } from '../../../packager/cache/prune.ts';

const DAY_MS = 24 * 3_600_000;
const LIMITS: CacheLimits = { unusedMs: 30 * DAY_MS, sizeBytes: 1000, recentMs: DAY_MS / 24 };
const ROOMY: CacheLimits = { ...LIMITS, sizeBytes: 1e9 };

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-prune-'));
  vi.stubEnv('INFLESS_CACHE_DIR', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

/** A folder with one file that was last used some days ago. */
async function unpacked(name: string, sizeBytes: number, daysAgo: number): Promise<void> {
  const folder = join(cache, 'unpacked', name);
  await mkdir(join(folder, 'weights'), { recursive: true });
  await writeFile(join(folder, 'weights', 'w.bin'), Buffer.alloc(sizeBytes));
  await age(folder, daysAgo);
}

async function age(path: string, days: number): Promise<void> {
  const then = new Date(Date.now() - days * DAY_MS);
  await utimes(path, then, then);
}

const left = async (shelf = 'unpacked') => (await readdir(join(cache, shelf))).sort();

/** Writes a holder as a process that has ended has left it behind. */
async function heldByTheDead(name: string): Promise<void> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  await mkdir(join(cache, 'holders'), { recursive: true });
  await writeFile(join(cache, 'holders', `unpacked.${name}.${child.pid}`), '');
}

describe('clearing away a shelf of the cache', () => {
  it('takes what nobody has used for long', async () => {
    await unpacked('old', 10, 31);
    await unpacked('new', 10, 29);
    await pruneShelf('unpacked', ROOMY);
    expect(await left()).toEqual(['new']);
  });

  it('takes the least recently used until the rest is not too much', async () => {
    await unpacked('a', 400, 3);
    await unpacked('b', 400, 5);
    await unpacked('c', 400, 4);
    await unpacked('d', 400, 2);
    await pruneShelf('unpacked', LIMITS);
    expect(await left()).toEqual(['a', 'd']);
  });

  it('leaves what is being written for a process that lives, however long that takes', async () => {
    await unpacked('.model.3b1f.partial', 5000, 1);
    await holdEntry({ shelf: 'unpacked', name: 'model' });
    await pruneShelf('unpacked', LIMITS);
    expect(await left()).toEqual(['.model.3b1f.partial']);
  });

  it('leaves what was used a moment ago, whatever it takes', async () => {
    await unpacked('huge', 5000, 0);
    await pruneShelf('unpacked', LIMITS);
    expect(await left()).toEqual(['huge']);
  });

  it('takes the files of one name together, by the last use of any', async () => {
    await mkdir(join(cache, 'layers'));
    for (const [name, days] of Object.entries({
      'a.tar.gz': 40,
      'a.json': 1,
      'b.tar.gz': 40,
      'b.json': 35,
    })) {
      await writeFile(join(cache, 'layers', name), 'x');
      await age(join(cache, 'layers', name), days);
    }
    await pruneShelf('layers', ROOMY);
    expect(await left('layers')).toEqual(['a.json', 'a.tar.gz']);
  });

  it('leaves what a living process holds, however long ago it was used', async () => {
    await unpacked('held', 5000, 1);
    await holdEntry({ shelf: 'unpacked', name: 'held' });
    await age(join(cache, 'unpacked', 'held'), 100);
    await unpacked('other', 10, 100);
    await pruneShelf('unpacked', LIMITS);
    expect(await left()).toEqual(['held']);
  });

  it('takes what the dead have held for used just now', async () => {
    await unpacked('served', 10, 100);
    await heldByTheDead('served');
    await pruneShelf('unpacked', ROOMY);
    expect(await left()).toEqual(['served']);
    expect((await stat(join(cache, 'unpacked', 'served'))).mtimeMs).toBeGreaterThan(Date.now() - DAY_MS);
    expect(await readdir(join(cache, 'holders'))).toEqual([]);
    await age(join(cache, 'unpacked', 'served'), 31);
    await pruneShelf('unpacked', ROOMY);
    expect(await left()).toEqual([]);
  });

  it('is about that shelf alone, and about none where there is none', async () => {
    await holdEntry({ shelf: 'images', name: 'x' });
    expect(await heldEntries('unpacked')).toEqual(new Set());
    expect(await heldEntries('images')).toEqual(new Set(['x']));
    await pruneShelf('nothing');
  });
});
