import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import writeFileAtomic from 'write-file-atomic';
import { InflessError, messageOf, systemCode } from './errors.ts';

/** Where models built on first use and measured tables are kept: `$INFLESS_CACHE_DIR`, else the XDG cache. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.INFLESS_CACHE_DIR) return environment.INFLESS_CACHE_DIR;
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'infless');
}

/** Creates the folder if needed; a read-only or full disk is told in one sentence. */
export async function ensureDirectory(directory: string, remedy: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw new InflessError(
      'STORAGE_FAILED',
      `Folder ${directory} cannot be written (${systemCode(error) ?? messageOf(error)})`,
      {
        remedy,
        cause: error,
      },
    );
  }
}

/** Replaces a file as a whole or not at all, also when the machine stops in between. */
export async function writeFileSafely(
  file: string,
  content: string | Uint8Array,
  remedy = 'Choose a folder that can be written and has room.',
): Promise<void> {
  await ensureDirectory(dirname(file), remedy);
  try {
    await writeFileAtomic(
      file,
      typeof content === 'string'
        ? content
        : Buffer.from(content.buffer, content.byteOffset, content.byteLength),
    );
  } catch (error) {
    throw new InflessError(
      'STORAGE_FAILED',
      `File ${file} cannot be written (${systemCode(error) ?? messageOf(error)})`,
      {
        remedy,
        cause: error,
      },
    );
  }
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

/** `sha256:<hex>` of a file's bytes, streamed. */
export async function digestFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return `sha256:${hash.digest('hex')}`;
}
