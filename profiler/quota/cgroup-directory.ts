import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InflessError, systemCode } from '../../models/base/errors.ts';

const PREFIX = 'infless-';
const MAX_NAME_LENGTH = 200; // a file name may have 255
const REMOVE_PATIENCE_MS = 2_000;

/** A name that any file system takes. Names that differ stay different: a changed one carries a hash. */
export function safeName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_.-]/g, '-');
  if (safe === name && name !== '' && name.length <= MAX_NAME_LENGTH) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${safe.slice(0, MAX_NAME_LENGTH - hash.length - 1)}-${hash}`;
}

export function groupDirectory(parent: string, name: string): string {
  return join(parent, `${PREFIX}${safeName(name)}`);
}

/** The directory itself first, then those above it up to the mount point. */
export function ancestors(directory: string, mountPoint: string): string[] {
  if (directory === mountPoint || !directory.startsWith(mountPoint)) return [directory];
  return [directory, ...ancestors(dirname(directory), mountPoint)];
}

export async function listGroups(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(PREFIX))
    .map((entry) => entry.name.slice(PREFIX.length));
}

/** Makes the directory of a cgroup; one that exists is taken over if nothing runs in it. */
export async function makeGroup(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    const processes = await groupProcesses(directory);
    if (processes.length > 0) {
      throw new InflessError(
        'PLATFORM_FAILED',
        `The CPU quota ${directory} is in use by process ${processes.join(', ')}`,
        { remedy: 'Stop that process or choose another name.', cause: error },
      );
    }
  }
}

/** The processes directly in a cgroup; none where it is gone. */
export async function groupProcesses(directory: string): Promise<number[]> {
  const text = await readGroupFile(directory, 'cgroup.procs');
  return text === undefined ? [] : text.split('\n').filter(Boolean).map(Number);
}

/** Processes outside of our pid namespace are told as 0, which as a target would mean ourselves. */
export function visible(pids: readonly number[]): number[] {
  return pids.filter((pid) => pid > 0);
}

/** The kernel's files are written with one call each; errors such as EINVAL come from it. */
export async function writeGroupFile(directory: string, file: string, value: string | number): Promise<void> {
  // Never create: in a directory that is no cgroup, `writeFile` would make a plain file and nothing would be
  // held.
  await writeFile(join(directory, file), String(value), { flag: 'r+' });
}

/** Undefined where the cgroup is gone. */
export async function readGroupFile(directory: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(join(directory, file), 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Moves a process with all its threads. */
export async function attachToGroup(directory: string, pid: number): Promise<void> {
  try {
    await writeGroupFile(directory, 'cgroup.procs', pid);
  } catch (error) {
    const why =
      systemCode(error) === 'ESRCH'
        ? 'it has ended'
        : `the kernel answers ${systemCode(error) ?? String(error)}`;
    throw new InflessError('PLATFORM_FAILED', `Process ${pid} cannot be put under a CPU quota: ${why}`, {
      cause: error,
    });
  }
}

/**
 * Removes a cgroup. The kernel needs a moment after its last process has ended, and says EBUSY until then.
 */
export async function removeGroup(directory: string, patienceMs = REMOVE_PATIENCE_MS): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    try {
      return await rmdir(directory);
    } catch (error) {
      if (isGone(error)) return;
      const processes = await groupProcesses(directory);
      if (systemCode(error) !== 'EBUSY' || performance.now() >= giveUpAt) {
        const held =
          processes.length > 0 ? `process ${processes.join(', ')} still runs in it` : systemCode(error);
        throw new InflessError('PLATFORM_FAILED', `The CPU quota ${directory} cannot be removed: ${held}`, {
          remedy: 'Stop what runs in it first.',
          cause: error,
        });
      }
      await sleep(pauseMs);
    }
  }
}

/** `key value` lines of `cpu.stat` and the like. */
export function parseFlatKeyed(text: string): ReadonlyMap<string, number> {
  return new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line): [string, number] => {
        const [key = '', value = ''] = line.split(' ');
        return [key, Number(value)];
      }),
  );
}

function isGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENODEV'; // ENODEV: removed while its file was open
}

/** A limit that the kernel did not take, as an error that a user can act upon. */
export function kernelRefused(cpuMillicores: number, error: unknown): InflessError {
  return new InflessError(
    'PLATFORM_FAILED',
    `The kernel refuses a CPU quota of ${cpuMillicores} millicores (${systemCode(error) ?? String(error)})`,
    {
      // What EINVAL means for a number that is right in itself.
      remedy: 'Ask for no more CPU than the container or unit that this runs in has itself.',
      cause: error,
    },
  );
}
