import { type FileHandle, open } from 'node:fs/promises';
import { InflessError } from '../../../models/base/errors.ts';

/**
 * What a program or library for 64-bit machines says of itself: read from its file, without running anything
 * of it.
 */
export interface ElfFile {
  /** The name that others ask for it by. */
  readonly soname: string | undefined;
  /** The libraries that the loader has to find before it starts, in order. */
  readonly needed: readonly string[];
  /**
   * Where the loader looks for them beside its own folders, as written: `$ORIGIN` is the folder of the file.
   */
  readonly searchPath: readonly string[];
}

/** A piece of a file: where it lies, and how long it is. */
export interface ElfSection {
  readonly offset: number;
  readonly sizeBytes: number;
}

const HEADER_BYTES = 64;
const MAGIC = '\x7fELF';
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;

const PROGRAM_HEADER_BYTES = 56;
const LOADED = 1;
const DYNAMIC = 2;

const SECTION_HEADER_BYTES = 64;

/** Entries of the dynamic section. */
const TAG = { end: 0, needed: 1, strings: 5, stringBytes: 10, soname: 14, rpath: 15, runpath: 29 } as const;
const TAG_BYTES = 16;

/** What is beyond is no name table but damage. */
const MOST_BYTES = 64 << 20;

/**
 * Reads what a file needs of others.
 *
 * @throws InflessError INVALID_INPUT for what is no 64-bit little-endian ELF file, or is damaged
 */
export async function readElf(path: string): Promise<ElfFile> {
  return withElf(path, async (file, header) => {
    const segments = await readTable(file, path, {
      offset: header.readBigUInt64LE(32),
      entryBytes: header.readUInt16LE(54),
      expectedBytes: PROGRAM_HEADER_BYTES,
      count: header.readUInt16LE(56),
    });
    const dynamic = segments.find((segment) => segment.readUInt32LE(0) === DYNAMIC);
    if (dynamic === undefined) return { soname: undefined, needed: [], searchPath: [] }; // linked statically
    const entries = tagsOf(await readAt(file, path, dynamic.readBigUInt64LE(8), dynamic.readBigUInt64LE(32)));
    const names = await readNames(file, path, segments, entries);
    const named = (tag: number): string[] => entries.filter(([t]) => t === tag).map(([, at]) => names(at));
    // The older DT_RPATH counts only where there is no DT_RUNPATH.
    const paths = named(TAG.runpath).length > 0 ? named(TAG.runpath) : named(TAG.rpath);
    return {
      soname: named(TAG.soname)[0],
      needed: named(TAG.needed),
      searchPath: paths.flatMap((list) => list.split(':')).filter((folder) => folder !== ''),
    };
  });
}

/**
 * Where a named section lies in a file; undefined where it has none of that name.
 *
 * @throws InflessError as {@link readElf}
 */
export async function findElfSection(path: string, name: string): Promise<ElfSection | undefined> {
  return withElf(path, async (file, header) => {
    const sections = await readTable(file, path, {
      offset: header.readBigUInt64LE(40),
      entryBytes: header.readUInt16LE(58),
      expectedBytes: SECTION_HEADER_BYTES,
      count: header.readUInt16LE(60),
    });
    const names = sections[header.readUInt16LE(62)];
    if (names === undefined) return undefined;
    const text = await readAt(file, path, names.readBigUInt64LE(24), names.readBigUInt64LE(32));
    const found = sections.find((section) => textAt(text, section.readUInt32LE(0)) === name);
    if (found === undefined) return undefined;
    return { offset: Number(found.readBigUInt64LE(24)), sizeBytes: Number(found.readBigUInt64LE(32)) };
  });
}

async function withElf<T>(path: string, read: (file: FileHandle, header: Buffer) => Promise<T>): Promise<T> {
  const file = await open(path);
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
    if (bytesRead < HEADER_BYTES || header.toString('latin1', 0, 4) !== MAGIC)
      throw damaged(path, 'it is none');
    if (header[4] !== CLASS_64 || header[5] !== LITTLE_ENDIAN)
      throw damaged(path, 'it is not for a 64-bit little-endian machine');
    return await read(file, header);
  } finally {
    await file.close();
  }
}

interface TableAt {
  readonly offset: bigint;
  readonly entryBytes: number;
  readonly expectedBytes: number;
  readonly count: number;
}

async function readTable(file: FileHandle, path: string, table: TableAt): Promise<readonly Buffer[]> {
  const { offset, entryBytes, expectedBytes, count } = table;
  if (count === 0) return [];
  if (entryBytes < expectedBytes) throw damaged(path, 'entries of its tables are too short');
  const bytes = await readAt(file, path, offset, BigInt(entryBytes * count));
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * entryBytes, (index + 1) * entryBytes),
  );
}

function tagsOf(bytes: Buffer): readonly (readonly [tag: number, value: bigint])[] {
  const tags: (readonly [number, bigint])[] = [];
  for (let at = 0; at + TAG_BYTES <= bytes.length; at += TAG_BYTES) {
    const tag = Number(bytes.readBigInt64LE(at));
    if (tag === TAG.end) break;
    tags.push([tag, bytes.readBigUInt64LE(at + 8)]);
  }
  return tags;
}

/**
 * The names of the dynamic section, by their position in it. It says where they are in memory, the segments
 * where that is in the file.
 */
async function readNames(
  file: FileHandle,
  path: string,
  segments: readonly Buffer[],
  entries: readonly (readonly [tag: number, value: bigint])[],
): Promise<(at: bigint) => string> {
  const entryOf = (tag: number): bigint | undefined => entries.find(([t]) => t === tag)?.[1];
  const address = entryOf(TAG.strings);
  const sizeBytes = entryOf(TAG.stringBytes);
  if (address === undefined || sizeBytes === undefined) throw damaged(path, 'its names are missing');
  const segment = segments.find((candidate) => {
    const start = candidate.readBigUInt64LE(16);
    const isLoaded = candidate.readUInt32LE(0) === LOADED;
    return isLoaded && start <= address && address < start + candidate.readBigUInt64LE(32);
  });
  if (segment === undefined) throw damaged(path, 'its names are outside of what is loaded');
  const offset = segment.readBigUInt64LE(8) + (address - segment.readBigUInt64LE(16));
  const text = await readAt(file, path, offset, sizeBytes);
  return (at) => textAt(text, Number(at));
}

function textAt(text: Buffer, at: number): string {
  const end = text.indexOf(0, at);
  return text.toString('utf8', at, end === -1 ? text.length : end);
}

async function readAt(file: FileHandle, path: string, offset: bigint, sizeBytes: bigint): Promise<Buffer> {
  if (sizeBytes > MOST_BYTES) throw damaged(path, `${sizeBytes} bytes of names make no sense`);
  const buffer = Buffer.alloc(Number(sizeBytes));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, Number(offset));
  if (bytesRead < buffer.length) throw damaged(path, 'it ends too early');
  return buffer;
}

function damaged(path: string, why: string): InflessError {
  return new InflessError('INVALID_INPUT', `${path} cannot be read as an ELF file: ${why}`, {
    remedy: 'Install the package that it is of again.',
  });
}
