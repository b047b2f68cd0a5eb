import { dirname } from 'node:path/posix';
import { InflessError } from '../../models/base/errors.ts';
import type { DirectoryEntry, TarEntry } from './tar-entry.ts';

/**
 * The entries as a tar should hold them: sorted, each path once, every folder before what is in it. Folders
 * are named even where a base has them, as some unpackers make missing ones unreadable for anyone but root.
 *
 * @throws InflessError INVALID_INPUT for a path that leaves the tree, comes twice, or lies below a file or
 * link
 */
export function tarTree(entries: readonly TarEntry[]): readonly TarEntry[] {
  const byPath = new Map<string, TarEntry>();
  for (const entry of entries) {
    checkPath(entry.path);
    if (byPath.has(entry.path)) throw refused(`Two files would lie at ${entry.path} of the image`);
    byPath.set(entry.path, entry);
  }
  for (const { path } of entries) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
      const there = byPath.get(folder);
      if (there === undefined) byPath.set(folder, directory(folder));
      else if (there.type !== 'directory')
        throw refused(`${path} would lie below ${folder}, which is no folder`);
    }
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function directory(path: string): DirectoryEntry {
  return { type: 'directory', path };
}

/** Whether a path stays inside the tree that it is relative to, and is written in one way only. */
export function isTreePath(path: string): boolean {
  return path
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'));
}

function checkPath(path: string): void {
  if (!isTreePath(path)) throw refused(`${JSON.stringify(path)} is no path inside an image`);
}

function refused(what: string): InflessError {
  return new InflessError('INVALID_INPUT', what, { remedy: 'Rename one of the files.' });
}
