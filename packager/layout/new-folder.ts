import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InflessError, systemCode } from '../../models/base/errors.ts';
import { ensureDirectory } from '../../models/base/files.ts';

const REMEDY = 'Choose a folder that can be written and has room.';

/** Whether there is nothing yet where a folder is to be made. Something that is no folder is told by its error. */
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
 * Makes a folder that appears when it is complete: it is filled under another name beside its own, so that even
 * a killed process leaves nothing that looks like a result.
 *
 * @param fill puts the content into the folder it is given
 */
export async function makeFolder(folder: string, fill: (into: string) => Promise<void>): Promise<void> {
  const target = resolve(folder);
  const partial = join(dirname(target), `.${basename(target)}.${randomUUID()}.partial`);
  try {
    await ensureDirectory(partial, REMEDY);
    await fill(partial);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}
