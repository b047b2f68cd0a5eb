import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { INDEX_FILE } from './layout-files.ts';

/** What lies in a layout while it is changed, and only then. */
export const LOCK_FILE = `.${INDEX_FILE}.lock`;

/** Who gives no sign of life for this long while it has the lock is taken for dead. */
const STALE_MS = 10_000;
const RETRY_MS = 50;
/** Longer than it takes to find out that somebody is dead. */
const PATIENCE_MS = 20_000;

/**
 * Does something while no other process of ours changes which images a layout names: what one has read must
 * not be old when it is written. Blobs need no lock, as their names are their content.
 *
 * @throws InflessError STORAGE_FAILED where nothing can be written there, or somebody else never ends
 */
export async function whileLocked<T>(layout: string, work: () => Promise<T>): Promise<T> {
  let loss: Error | undefined;
  const release = await lock(layout, (error) => {
    loss = error;
  });
  const result = await work().finally(() => (loss === undefined ? release() : undefined));
  if (loss === undefined) return result;
  throw new InflessError(
    'STORAGE_FAILED',
    `Layout ${layout} was taken over by another process, since this one stood still for longer than ${STALE_MS / 1000} s`,
    { remedy: 'Do it once more: what both have written may lack one of the two.', cause: loss },
  );
}

/** @param onLoss hears that somebody else took us for dead, as after this machine was suspended */
async function lock(layout: string, onLoss: (error: Error) => void): Promise<() => Promise<void>> {
  try {
    return await lockfile.lock(layout, {
      lockfilePath: join(layout, LOCK_FILE),
      stale: STALE_MS,
      onCompromised: onLoss,
      retries: { retries: PATIENCE_MS / RETRY_MS, factor: 1, minTimeout: RETRY_MS },
    });
  } catch (error) {
    const isTaken = systemCode(error) === 'ELOCKED';
    const why = isTaken ? 'another process is changing it' : (systemCode(error) ?? messageOf(error));
    throw new InflessError('STORAGE_FAILED', `Layout ${layout} cannot be changed (${why})`, {
      remedy: isTaken
        ? 'Wait for that one, and try again.'
        : 'Choose a folder that can be written and has room.',
      cause: error,
    });
  }
}
