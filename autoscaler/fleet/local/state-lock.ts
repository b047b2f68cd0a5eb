import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import {
  ensureDirectory,
  readTextIfPresent,
  removeUnfinished,
  writeFileSafely,
} from '../../../models/base/files.ts';
import { identify, isAlive, type ProcessIdentity, processIdentitySchema } from './process-identity.ts';

const OWNER_FILE = 'autoscaler.pid';

/**
 * Makes a state folder ours alone, for as long as this process lives: two autoscalers on one folder would
 * kill each other's instances. The owner is named by process, not by a lease, so that after a crash the next
 * one can take over at once.
 *
 * @returns gives the folder back.
 * @throws InflessError STORAGE_FAILED when another autoscaler has it or it cannot be written.
 */
export async function lockState(stateDirectory: string): Promise<() => Promise<void>> {
  await ensureDirectory(stateDirectory, 'Choose a state folder that can be written.');
  const file = join(stateDirectory, OWNER_FILE);
  await guarded(stateDirectory, async () => {
    const owner = await readOwner(file);
    if (owner !== undefined && (await isAlive(owner))) {
      throw new InflessError(
        'STORAGE_FAILED',
        `The state folder ${stateDirectory} is in use by another autoscaler (process ${owner.pid})`,
        { remedy: 'Stop that one, or give this one a state folder of its own.' },
      );
    }
    await removeUnfinished(stateDirectory);
    await writeFileSafely(file, JSON.stringify(await identify(process.pid)));
  });
  return () => rm(file, { force: true });
}

/**
 * Looking and taking must be one step; this lock is held for milliseconds only, so that a stale one is rare.
 */
async function guarded(stateDirectory: string, action: () => Promise<void>): Promise<void> {
  let release: () => Promise<void>;
  try {
    release = await lockfile.lock(stateDirectory, {
      lockfilePath: join(stateDirectory, `${OWNER_FILE}.lock`),
      stale: 5_000,
      retries: { retries: 70, factor: 1, minTimeout: 100 },
    });
  } catch (error) {
    throw new InflessError('STORAGE_FAILED', `The state folder ${stateDirectory} cannot be locked`, {
      remedy: messageOf(error),
      cause: error,
    });
  }
  try {
    await action();
  } finally {
    await release();
  }
}

async function readOwner(file: string): Promise<ProcessIdentity | undefined> {
  const text = await readTextIfPresent(file);
  try {
    return text === undefined ? undefined : processIdentitySchema.parse(JSON.parse(text));
  } catch {
    return undefined; // half-written by a machine that lost power: its owner is gone as well
  }
}
