import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { type Header, pack } from 'tar-stream';
import { bytesSegment, openSegments, type Segment } from './segments.ts';
import type { TarEntry } from './tar-entry.ts';
import { tarTree } from './tar-tree.ts';

const BLOCK_BYTES = 512;
/** From here on a size does not fit into the octal digits of a header. */
const PAX_SIZE_BYTES = 8 ** 11;

type HeaderFields = Partial<Header> & Pick<Header, 'name'>;

/** A tar that is never anywhere as a whole: headers are in memory, contents stay where they are. */
export interface Tar {
  readonly sizeBytes: number;
  open(fromByte?: number): Readable;
}

/**
 * The same entries give the same bytes, whatever their order, their files' owners, times and umask.
 *
 * @param modified the time of every entry
 * @throws InflessError INVALID_INPUT for paths that no image may have (`tarTree`)
 */
export async function tarOf(entries: readonly TarEntry[], modified: Date): Promise<Tar> {
  const segments: Segment[] = [];
  for (const entry of tarTree(entries)) {
    const header = await headerOf(entry, modified);
    segments.push(bytesSegment(entry.path, header));
    if (entry.type === 'file') segments.push(content(entry), padding(entry.path, entry.sizeBytes));
  }
  segments.push(bytesSegment('end of archive', Buffer.alloc(2 * BLOCK_BYTES)));
  return {
    sizeBytes: segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    open: (fromByte = 0) => openSegments(segments, fromByte),
  };
}

function content(entry: TarEntry & { type: 'file' }): Segment {
  return { name: entry.path, sizeBytes: entry.sizeBytes, open: (fromByte) => entry.open(fromByte) };
}

function padding(name: string, sizeBytes: number): Segment {
  return bytesSegment(name, Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES));
}

/** The blocks before an entry's content: what a writer gives out before it has got any. */
async function headerOf(entry: TarEntry, modified: Date): Promise<Buffer> {
  const writer = pack();
  writer.entry(fieldsOf(entry, modified));
  await once(writer, 'readable');
  const blocks: Uint8Array[] = [];
  for (let block = writer.read(); block !== null; block = writer.read()) blocks.push(block as Uint8Array);
  writer.destroy();
  return Buffer.concat(blocks);
}

function fieldsOf(entry: TarEntry, modified: Date): HeaderFields {
  const common = { type: entry.type, uid: 0, gid: 0, mtime: modified };
  switch (entry.type) {
    case 'file':
      return {
        ...common,
        name: entry.path,
        mode: entry.mode & 0o111 ? 0o755 : 0o644,
        size: entry.sizeBytes,
        ...(entry.sizeBytes < PAX_SIZE_BYTES ? {} : { pax: { size: String(entry.sizeBytes) } }),
      };
    case 'directory':
      return { ...common, name: `${entry.path}/`, mode: entry.mode ?? 0o755 };
    case 'symlink':
      return { ...common, name: entry.path, mode: 0o777, linkname: entry.target };
  }
}
