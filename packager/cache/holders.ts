import { readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory, writeFileSafely } from '../../models/base/files.ts';
import { isProcessAlive } from '../../models/base/process-stat.ts';

/** An entry of the cache, by the folder it is in and its name there. */
export interface CacheEntry {
  readonly shelf: string;
  readonly name: string;
}

/** `<shelf>.<name>.<process>`: an empty file for each process that needs an entry for as long as it lives. */
const HOLDER = /^([^.]+)\.([^.]+)\.(\d+)$/;

/**
 * Keeps an entry of the cache from being cleared away while this process lives: it may be asked for at any
 * time.
 */
export async function holdEntry({ shelf, name }: CacheEntry): Promise<void> {
  await writeFileSafely(join(holdersFolder(), `${shelf}.${name}.${process.pid}`), '');
  await touch(join(cacheDirectory(), shelf, name));
}

/**
 * The names of a shelf's entries that a living process holds. What a dead one has held counts as used just
 * now, since no one knows when it died: whoever takes over after it finds all of it.
 */
export async function heldEntries(shelf: string): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const file of await readdir(holdersFolder()).catch(() => [])) {
    const [, of, name, pid] = HOLDER.exec(file) ?? [];
    if (of !== shelf || name === undefined) continue;
    // A number that another process has got by now keeps an entry a while longer, which does no harm.
    if (isProcessAlive(Number(pid))) {
      held.add(name);
      continue;
    }
    await touch(join(cacheDirectory(), shelf, name));
    // not ours to clear away: whose it is will
    await rm(join(holdersFolder(), file), { force: true }).catch(() => {});
  }
  return held;
}

/** Notes that something of the cache is used now. */
export async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => {}); // it is not there yet, or is not ours to clear away either
}

function holdersFolder(): string {
  return join(cacheDirectory(), 'holders');
}
