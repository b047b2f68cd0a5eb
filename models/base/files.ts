import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import writeFileAtomic from 'write-file-atomic';
import { InflessError, messageOf, systemCode } from './errors.ts';

/** Where models built on first use and measured tables are kept: `$INFLESS_CACHE_DIR`, else the XDG cache. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.INFLESS_CACHE_DIR) return environment.INFLESS_CACHE_DIR;
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'infless');
}

/** Where a serving autoscaler keeps what has to outlive it, unless told otherwise. */
export function stateDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'infless');
}

/** Creates the folder if needed; a read-only or full disk is told in one sentence. */
export async function ensureDirectory(directory: string, remedy: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw cannotWrite('Folder', directory, error, remedy);
  }
}

/**
 * Replaces a file as a whole or not at all, also when the machine stops in between.
 *
 * @param mode who may read and write it; default: as it was, else what the process' mask leaves
 */
export async function writeFileSafely(
  file: string,
  content: string | Uint8Array,
  remedy = 'Choose a folder that can be written and has room.',
  mode?: number,
): Promise<void> {
  await ensureDirectory(dirname(file), remedy);
  try {
    await writeFileAtomic(file, '', {
      // Written here: the package writes once and looks not whether all was, which on a full disk it is not.
      tmpfileCreated: (partial) => writeFile(partial, content),
      ...(mode === undefined ? {} : { mode }),
    });
  } catch (error) {
    throw cannotWrite('File', file, error, remedy);
  }
}

/** What {@link writeFileSafely} calls a file until it is whole: the name and a number. */
const UNFINISHED = /\.\d{4,}$/;

/**
 * Clears away what {@link writeFileSafely} was writing when its process was killed. Only for a folder that
 * no one else writes to at the time.
 */
export async function removeUnfinished(directory: string): Promise<void> {
  const unfinished = (await readdir(directory)).filter((name) => UNFINISHED.test(name));
  await Promise.all(unfinished.map((name) => rm(join(directory, name), { force: true })));
}

/** What there is no room on, by why a file cannot be written. */
const FULL: Readonly<Record<string, (folder: string) => string>> = {
  ENOSPC: (folder) => `The disk of ${folder} is full`,
  EDQUOT: (folder) => `Your quota on the disk of ${folder} is used up`,
};

const NO_ROOM = new Set([...Object.keys(FULL), 'EFBIG', 'EROFS']);

/**
 * Streams into a file that appears whole or not at all. Its folder has to be there. Failures of the stages
 * pass through as they are.
 */
export async function streamToFile(
  stages: readonly [Readable, ...Duplex[]],
  file: string,
  options: { readonly signal?: AbortSignal | undefined; readonly remedy?: string } = {},
): Promise<void> {
  const partial = `${file}.${randomUUID()}.partial`;
  try {
    await pipeline(
      [...stages, createWriteStream(partial)],
      options.signal === undefined ? {} : { signal: options.signal },
    );
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    const { remedy = 'Choose a folder that can be written and has room.' } = options;
    throw concerns(error, partial) ? cannotWrite('File', file, error, remedy) : error;
  }
}

/** Whether a system error is about writing this file, not about reading another one. */
function concerns(error: unknown, file: string): boolean {
  const code = systemCode(error);
  if (code === undefined) return false;
  return NO_ROOM.has(code) || (error as NodeJS.ErrnoException).path === file;
}

/**
 * The error for a file or folder that cannot be written, from why that is so: of a full disk it says that it
 * is full.
 *
 * @param kind what it is, as a sentence begins: `File`
 */
export function cannotWrite(kind: string, path: string, error: unknown, remedy: string): InflessError {
  const code = systemCode(error);
  const full = code === undefined ? undefined : FULL[code];
  const what = `${kind} ${path} cannot be written (${code ?? messageOf(error)})`;
  return new InflessError(
    'STORAGE_FAILED',
    full === undefined ? what : `${full(dirname(path))}: ${what[0]!.toLowerCase()}${what.slice(1)}`,
    { remedy, cause: error },
  );
}

/** The text of a file, or undefined where there is none. */
export async function readTextIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * How much of a file is read at once: each piece waits its turn on a busy machine, so there should be few,
 * but the larger they are, the more memory is garbage before any is collected.
 */
const READ_BYTES = 512 << 10;

/**
 * The bytes of a file from one on.
 *
 * @param sizeBytes what the file has, as far as is known: a small one then takes no large buffer
 */
export function openFile(file: string, fromByte: number, sizeBytes: number): Readable {
  return createReadStream(file, {
    start: fromByte,
    highWaterMark: Math.max(1, Math.min(READ_BYTES, sizeBytes - fromByte)),
  });
}

/** `sha256:<hex>` of a file's bytes, streamed. */
export async function digestFile(file: string): Promise<`sha256:${string}`> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: READ_BYTES }), hash);
  return `sha256:${hash.digest('hex')}`;
}

/** Whether a path that is relative to a folder stays in it, whatever system wrote it. */
export function staysInside(path: string): boolean {
  return !/^[/\\]|^[a-z]:|\\|\0/i.test(path) && !path.split('/').includes('..');
}
