import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InflessError, systemCode } from '../../models/base/errors.ts';
import { ensureDirectory } from '../../models/base/files.ts';

const REMEDY = 'Choose a folder that can be written and has room.';

/**
 * Whether there is nothing yet where a folder is to be made. Something that is no folder is told by its
 * error.
 */
export async function isVacant(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    throw new InflessError('STORAGE_FAILED', `Folder ${folder} cannot be read (${systemCode(error) ?? ''})`, {
      remedy: REMEDY,
      cause: error,
    });
  }
}

/**
 * Makes a folder that appears when it is complete: it is filled under another name beside its own, so that
 * even a killed process leaves nothing that looks like a result. One that is there already may be a mounted
 * volume, which nothing can be renamed to: it is filled in place, and emptied should that fail.
 *
 * @param folder absent or empty (`isVacant`)
 * @param fill puts the content into the folder it is given
 */
export async function makeFolder(folder: string, fill: (into: string) => Promise<void>): Promise<void> {
  const target = resolve(folder);
  const isThere = existsSync(target);
  const into = isThere ? target : join(dirname(target), `.${basename(target)}.${randomUUID()}.partial`);
  try {
    await ensureDirectory(into, REMEDY);
    await fill(into);
    if (!isThere) await rename(into, target);
  } catch (error) {
    const left = isThere ? (await readdir(into)).map((name) => join(into, name)) : [into];
    await Promise.all(left.map((path) => rm(path, { recursive: true, force: true })));
    throw error;
  }
}
