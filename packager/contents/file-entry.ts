import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { openFile } from '../../models/base/files.ts';
import { fileIdentity } from '../../models/base/memory.ts';
import { digestOf } from '../oci/blob.ts';
import type { FileEntry, TarEntry } from '../tar/tar-entry.ts';

/** A file of this machine at a path of the image, links followed. */
export async function fileEntry(path: string, file: string): Promise<FileEntry> {
  const real = await realpath(file);
  const { mode, size } = await stat(real);
  return {
    type: 'file',
    path,
    mode,
    sizeBytes: size,
    identity: await fileIdentity(real),
    open: (fromByte = 0) => openFile(real, fromByte, size),
  };
}

/**
 * A file or a link of this machine as it is, for trees whose links lead to other entries of the same tree.
 */
export async function treeEntry(path: string, file: string): Promise<TarEntry> {
  if ((await lstat(file)).isSymbolicLink()) return { type: 'symlink', path, target: await readlink(file) };
  return fileEntry(path, file);
}

/** A small file that is on no disk. */
export function textEntry(path: string, text: string): FileEntry {
  const bytes = Buffer.from(text);
  return {
    type: 'file',
    path,
    mode: 0o644,
    sizeBytes: bytes.byteLength,
    identity: digestOf(bytes),
    open: (fromByte = 0) => Readable.from([bytes.subarray(fromByte)], { objectMode: false }),
  };
}
