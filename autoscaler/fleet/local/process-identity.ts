import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemCode } from '../../../models/base/errors.ts';
import { processStat } from '../../../models/base/process-stat.ts';

/**
 * Names one process for good. A pid alone does not: the kernel gives it to another process later. Its start
 * time tells the two apart, and the boot that time counts from tells apart machines that boot alike.
 */
export const processIdentitySchema = z.object({
  pid: z.number().int().positive(),
  /** Null where the system has no /proc, or the process ended before it could be read. */
  startTicks: z.number().int().nonnegative().nullable(),
  bootId: z.string().nullable(),
});
export type ProcessIdentity = Readonly<z.infer<typeof processIdentitySchema>>;

export async function identify(pid: number): Promise<ProcessIdentity> {
  const stat = await processStat(pid);
  return { pid, startTicks: stat?.startTicks ?? null, bootId: await bootId() };
}

/** Whether that very process still runs. Without /proc: whether one of its pid does. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (process.platform !== 'linux') return signal(identity.pid, 0);
  const stat = await processStat(identity.pid);
  if (stat === undefined || stat.state === 'Z' || stat.startTicks !== identity.startTicks) return false;
  return identity.bootId === (await bootId());
}

/**
 * Sends a signal to that very process, see {@link signalNow}. Does nothing where it has ended, or where it
 * cannot be told from another of the same pid.
 */
export async function signalProcess(identity: ProcessIdentity, name: NodeJS.Signals): Promise<void> {
  if (identity.startTicks === null || !(await isAlive(identity))) return;
  signalNow(identity.pid, name);
}

/**
 * Sends a signal to a pid that is known to be right. Instances lead a process group, and `SIGKILL` goes to
 * all of it. Does nothing where there is no such process.
 */
export function signalNow(pid: number, name: NodeJS.Signals): void {
  if (name !== 'SIGKILL' || !signal(-pid, name)) signal(pid, name);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false;
    if (systemCode(error) === 'EPERM') return name === 0; // it exists, but is not ours
    throw error;
  }
}

let knownBootId: Promise<string | null> | undefined;

function bootId(): Promise<string | null> {
  knownBootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
  return knownBootId;
}
