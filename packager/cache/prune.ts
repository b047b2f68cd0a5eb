import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../../models/base/files.ts';
import { heldEntries } from './holders.ts';

const HOUR_MS = 3_600_000;

/** How much of the cache is kept of each kind, and for how long. */
export interface CacheLimits {
  /** What was not used for longer goes, however small it is. */
  readonly unusedMs: number;
  /** Of what is more than this, the least recently used goes. */
  readonly sizeBytes: number;
  /** What was used within this time stays, whatever it takes: somebody may be about to read it. */
  readonly recentMs: number;
}

export const CACHE_LIMITS: CacheLimits = {
  unusedMs: 30 * 24 * HOUR_MS,
  sizeBytes: 20e9,
  recentMs: HOUR_MS,
};

/**
 * The files and folders of a shelf whose names are alike up to the first dot: they come and go together. What
 * is still being written begins with a dot where it is a folder, and belongs to what it will be.
 */
interface Entry {
  readonly name: string;
  readonly paths: string[];
  sizeBytes: number;
  usedMs: number;
}

/**
 * Clears away what no one has used for long, and the least recently used of what is too much. Entries that a
 * living process holds stay. That something cannot be cleared away is no one's concern who came for something
 * else.
 *
 * @param shelf a folder of the cache
 */
export async function pruneShelf(shelf: string, limits: CacheLimits = CACHE_LIMITS): Promise<void> {
  const held = await heldEntries(shelf);
  const nowMs = Date.now();
  const entries = await entriesOf(join(cacheDirectory(), shelf));
  let sizeBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  for (const entry of entries.sort((a, b) => a.usedMs - b.usedMs)) {
    const unusedMs = nowMs - entry.usedMs;
    const isTooMuch = unusedMs > limits.unusedMs || sizeBytes > limits.sizeBytes;
    if (!isTooMuch || unusedMs <= limits.recentMs || held.has(entry.name)) continue;
    for (const path of entry.paths) await rm(path, { recursive: true, force: true }).catch(() => {});
    sizeBytes -= entry.sizeBytes;
  }
}

async function entriesOf(folder: string): Promise<Entry[]> {
  const entries = new Map<string, Entry>();
  for (const file of await readdir(folder).catch(() => [])) {
    const path = join(folder, file);
    const name = file.replace(/^\./, '').replace(/\..*$/, '');
    const entry = entries.get(name) ?? { name, paths: [], sizeBytes: 0, usedMs: 0 };
    const status = await lstat(path).catch(() => undefined);
    if (status === undefined) continue; // another process was faster
    entry.paths.push(path);
    entry.sizeBytes += status.isDirectory() ? await sizeBelow(path) : status.size;
    entry.usedMs = Math.max(entry.usedMs, status.mtimeMs);
    entries.set(name, entry);
  }
  return [...entries.values()];
}

async function sizeBelow(folder: string): Promise<number> {
  let sizeBytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    const status = await lstat(join(entry.parentPath, entry.name)).catch(() => undefined);
    if (status?.isFile()) sizeBytes += status.size;
  }
  return sizeBytes;
}
