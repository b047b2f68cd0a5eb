import { createHash } from 'node:crypto';
import { systemCode } from '../../../models/base/errors.ts';
import type { Quotas } from '../../../profiler/quota/quota.ts';

/**
 * What the names of the quotas of one state folder start with; an instance's id follows. Names are shared by the whole
 * machine, and a folder must find its own and no others.
 */
export function quotaPrefix(stateDirectory: string): string {
  return `serve-${createHash('sha256').update(stateDirectory).digest('hex').slice(0, 8)}-`;
}

/**
 * Clears away quotas of ours that belong to no instance, and whatever runs under them: processes whose record was
 * lost, as when the autoscaler was killed between starting one and writing it down. The quota's name proves that
 * they are ours, where a pid in a file would not.
 */
export async function sweepQuotas(
  quotas: Quotas,
  prefix: string,
  keptIds: ReadonlySet<string>,
): Promise<void> {
  const stray = (await quotas.list()).filter(
    (name) => name.startsWith(prefix) && !keptIds.has(name.slice(prefix.length)),
  );
  await Promise.all(
    stray.map(async (name) => {
      const quota = await quotas.adopt(name);
      for (const pid of (await quota?.processes()) ?? []) kill(pid);
      await quota?.remove();
    }),
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}
