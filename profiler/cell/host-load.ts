import { readFile } from 'node:fs/promises';

/** USER_HZ, what /proc counts time in. */
const TICKS_PER_SECOND = 100;

/** CPU time of the whole host since it was started, in ms over all cores. */
export interface HostTimes {
  readonly busyMs: number;
  /** Time in which a hypervisor ran somebody else. */
  readonly stolenMs: number;
  readonly totalMs: number;
}

/** What a host did while something was measured. */
export interface HostLoad {
  readonly cores: number;
  /** Cores that others than what was measured kept busy, in the mean. */
  readonly foreignCores: number;
  /** Of the time of all cores. */
  readonly stolenShare: number;
}

/** Undefined where there is no /proc/stat. */
export async function hostTimes(): Promise<HostTimes | undefined> {
  try {
    return parseHostTimes(await readFile('/proc/stat', 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal (guests are counted in
 * user).
 */
export function parseHostTimes(text: string): HostTimes | undefined {
  const fields = /^cpu +([\d ]+)$/m.exec(text)?.[1]?.split(' ').map(Number);
  if (fields === undefined || fields.length < 8) return undefined;
  const [user, nice, system, idle, iowait, irq, softirq, steal] = fields as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const busy = user + nice + system + irq + softirq;
  const toMs = 1000 / TICKS_PER_SECOND;
  return { busyMs: busy * toMs, stolenMs: steal * toMs, totalMs: (busy + idle + iowait + steal) * toMs };
}

/** @param ownMs CPU time that what was measured took between the two */
export function loadBetween(
  before: HostTimes,
  after: HostTimes,
  ownMs: number,
  cores: number,
): HostLoad | undefined {
  const totalMs = after.totalMs - before.totalMs;
  if (!(totalMs > 0)) return undefined; // shorter than the kernel counts
  const foreignMs = Math.max(0, after.busyMs - before.busyMs - ownMs);
  return {
    cores,
    foreignCores: (foreignMs / totalMs) * cores,
    stolenShare: (after.stolenMs - before.stolenMs) / totalMs,
  };
}
