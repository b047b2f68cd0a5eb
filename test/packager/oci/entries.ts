import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { digestOf } from '../../../packager/oci/blob.ts';
import type { FileEntry } from '../../../packager/tar/tar-entry.ts';

export function textFile(path: string, text: string, mode = 0o644): FileEntry {
  const bytes = Buffer.from(text);
  return {
    type: 'file',
    path,
    mode,
    sizeBytes: bytes.byteLength,
    identity: digestOf(bytes),
    open: (fromByte = 0) => Readable.from([bytes.subarray(fromByte)], { objectMode: false }),
  };
}

export interface ReadEntry {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Date;
  readonly linkname: string | null;
  readonly text: string;
}

/** What another reader of the format finds in a tar. */
export async function readTar(bytes: Buffer): Promise<ReadEntry[]> {
  const reader = extract();
  reader.end(bytes);
  const found: ReadEntry[] = [];
  for await (const entry of reader) {
    const { name, type, mode, uid, gid, mtime, linkname } = entry.header;
    const text = (await buffer(entry as unknown as AsyncIterable<Buffer>)).toString();
    found.push({ name, type, mode, uid, gid, mtime, linkname, text });
  }
  return found;
}
