import { createWriteStream } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TarEntry } from '../../../packager/tar/tar-entry.ts';

/** Puts the entries of a layer into a folder, as whoever starts an image does. */
export async function install(entries: readonly TarEntry[], root: string): Promise<void> {
  for (const entry of entries) {
    const path = join(root, entry.path);
    await mkdir(entry.type === 'directory' ? path : dirname(path), { recursive: true });
    if (entry.type === 'symlink') await symlink(entry.target, path);
    if (entry.type !== 'file') continue;
    await pipeline(entry.open(), createWriteStream(path));
    await chmod(path, entry.mode);
  }
}
