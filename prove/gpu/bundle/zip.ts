import { type FileHandle, open } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { InflessError } from '../../../models/base/errors.ts';
import { streamToFile } from '../../../models/base/files.ts';

interface Member {
  readonly method: number;
  readonly compressedBytes: number;
  readonly headerAt: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/**
 * Takes single files out of a zip archive, of which a Python wheel is one: nothing else of it is unpacked.
 *
 * @param wanted where each member goes, by its name in the archive
 * @throws InflessError INVALID_INPUT for what is no zip archive, or lacks a member
 */
export async function extractMembers(archive: string, wanted: ReadonlyMap<string, string>): Promise<void> {
  const file = await open(archive);
  try {
    const members = await readDirectory(file, archive);
    for (const [name, target] of wanted) {
      const member = members.get(name);
      if (member === undefined) throw unreadable(archive, `it has no ${name}`);
      await streamToFile([await openMember(file, member, archive)], target);
    }
  } finally {
    await file.close();
  }
}

async function readDirectory(file: FileHandle, archive: string): Promise<ReadonlyMap<string, Member>> {
  const { size } = await file.stat();
  const tail = await readAt(file, Math.max(0, size - END_BYTES - LONGEST_COMMENT), size);
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END) end -= 1;
  if (end < 0) throw unreadable(archive, 'it has no end record');
  const directoryAt = tail.readUInt32LE(end + 16);
  if (directoryAt === 0xffff_ffff) throw unreadable(archive, 'it is in the form for archives beyond 4 GiB');
  const directory = await readAt(file, directoryAt, directoryAt + tail.readUInt32LE(end + 12));
  const members = new Map<string, Member>();
  for (let at = 0; at + CENTRAL_BYTES <= directory.length; ) {
    if (directory.readUInt32LE(at) !== CENTRAL) throw unreadable(archive, 'its directory is damaged');
    const nameBytes = directory.readUInt16LE(at + 28);
    members.set(directory.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes), {
      method: directory.readUInt16LE(at + 10),
      compressedBytes: directory.readUInt32LE(at + 20),
      headerAt: directory.readUInt32LE(at + 42),
    });
    at += CENTRAL_BYTES + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return members;
}

async function openMember(file: FileHandle, member: Member, archive: string): Promise<Readable> {
  const { method, headerAt, compressedBytes } = member;
  const header = await readAt(file, headerAt, headerAt + LOCAL_BYTES);
  const start = headerAt + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  const bytes = file.createReadStream({ start, end: start + compressedBytes - 1, autoClose: false });
  if (method === STORED) return bytes;
  if (method !== DEFLATED) throw unreadable(archive, `it is compressed by method ${method}`);
  const inflated = new PassThrough();
  pipeline(bytes, createInflateRaw(), inflated).catch(() => {}); // the reader learns of it from its stream
  return inflated;
}

async function readAt(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.alloc(to - from);
  await file.read(buffer, 0, buffer.length, from);
  return buffer;
}

function unreadable(archive: string, why: string): InflessError {
  return new InflessError('INVALID_INPUT', `${archive} cannot be read as a zip archive: ${why}`, {
    remedy: 'Delete it, and it is fetched again.',
  });
}
