import { isProcessAlive } from '../../models/base/process-stat.ts';
import { formatCores } from '../../models/base/units.ts';
import { openQuotas, type Quota, type QuotaOptions, type Quotas } from './quota.ts';

let made = 0;

/**
 * The quotas of a sweep, tidied of what sweeps that were killed left behind.
 *
 * @throws InflessError INVALID_INPUT for a period the kernel does not take, PLATFORM_FAILED for a mechanism
 * that cannot be had.
 */
export async function openSweepQuotas(options: QuotaOptions): Promise<Quotas> {
  const quotas = await openQuotas(options);
  await removeStaleQuotas(quotas);
  return quotas;
}

/** A new quota under a name that tells whose it is. */
export function createSweepQuota(quotas: Quotas, cpuMillicores: number): Promise<Quota> {
  made += 1;
  return quotas.create(`profile-${process.pid}-${made}`, cpuMillicores);
}

/**
 * How the quotas of a grid are held: the mechanism, and the period in force, which the kernel's limits may
 * have moved away from the one asked for.
 *
 * @param cpuMillicores quotas of the grid
 */
export async function describeQuotas(
  quotas: Quotas,
  cpuMillicores: readonly number[],
  note: (text: string) => void,
): Promise<{ readonly mechanism: Quotas['mechanism']; readonly periodMicros: number | null }> {
  const { mechanism, weaknessReason } = quotas;
  if (weaknessReason !== undefined) {
    note(
      `${weaknessReason} The table records "${mechanism}": do not rely on what it says of fractions of a core.`,
    );
  }
  const smallest = Math.min(...cpuMillicores);
  const periodMicros = await periodUnder(quotas, Math.max(...cpuMillicores));
  const longest = await periodUnder(quotas, smallest);
  if (longest !== periodMicros) {
    note(
      `A quota of ${formatCores(smallest)} cores has a longer period than ${periodMicros} µs: ${longest} µs.`,
    );
  }
  return { mechanism, periodMicros };
}

async function periodUnder(quotas: Quotas, cpuMillicores: number): Promise<number | null> {
  const quota = await createSweepQuota(quotas, cpuMillicores);
  await quota.remove();
  return quota.periodMicros;
}

/** Recognised by the process in the name, which is no more. */
async function removeStaleQuotas(quotas: Quotas): Promise<void> {
  for (const name of await quotas.list()) {
    const pid = /^profile-(\d+)-\d+$/.exec(name)?.[1];
    if (pid === undefined || isProcessAlive(Number(pid))) continue;
    const quota = await quotas.adopt(name);
    // its last process still finishes a batch: the next sweep's turn
    await quota?.remove().catch(() => undefined);
  }
}
