import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import type { QuotaMechanism } from '../../profiles/table.ts';
import { AffinityQuotas } from './affinity.ts';
import { checkPeriodMicros, DEFAULT_PERIOD_MICROS } from './cfs-limits.ts';
import { ourCgroups } from './cgroup-places.ts';
import { CgroupV1Quotas } from './cgroup-v1.ts';
import { CgroupV2Quotas } from './cgroup-v2.ts';
import type { Quotas } from './quota-interface.ts';
import { ThreadQuotas } from './threads.ts';

export type { Quota, Quotas, Throttling } from './quota-interface.ts';

export interface QuotaOptions {
  /** Preferred CFS period, default 10,000 µs. */
  readonly periodMicros?: number;
  /** Take this one or fail, instead of the best that works. */
  readonly mechanism?: QuotaMechanism;
}

const BEST_FIRST: readonly QuotaMechanism[] = ['cgroup-v2', 'cgroup-v1', 'affinity', 'threads'];

/**
 * Opens the best mechanism that really works here, which is found out by putting a process under a quota:
 * files that exist need not be writable, and writable ones need not be obeyed.
 *
 * @throws InflessError PLATFORM_FAILED when the mechanism asked for can't be had; INVALID_INPUT for a bad
 * period.
 */
export async function openQuotas(options: QuotaOptions = {}): Promise<Quotas> {
  const periodMicros = checkPeriodMicros(options.periodMicros ?? DEFAULT_PERIOD_MICROS);
  const wanted = options.mechanism === undefined ? BEST_FIRST : [options.mechanism];
  const reasons: string[] = [];
  for (const mechanism of wanted) {
    try {
      return await open(mechanism, periodMicros, reasons);
    } catch (error) {
      reasons.push(`${mechanism}: ${messageOf(error)}`);
    }
  }
  throw new InflessError('PLATFORM_FAILED', `CPU quotas are not available here (${reasons.join('; ')})`, {
    remedy: 'Run as root or in a delegated cgroup, or choose the quota mechanism "affinity" or "threads".',
  });
}

async function open(
  mechanism: QuotaMechanism,
  periodMicros: number,
  reasons: readonly string[],
): Promise<Quotas> {
  const weaknessReason =
    reasons.length === 0 ? undefined : `CPU quotas are not available here (${reasons.join('; ')}).`;
  switch (mechanism) {
    case 'cgroup-v2':
      return CgroupV2Quotas.open(await ourCgroups(), periodMicros, probe);
    case 'cgroup-v1': {
      const quotas = new CgroupV1Quotas(await ourCgroups(), periodMicros);
      await probe(quotas);
      return quotas;
    }
    case 'affinity':
      return AffinityQuotas.open(weaknessReason);
    case 'threads':
      return new ThreadQuotas(weaknessReason);
  }
}

/** Makes a quota, puts a process under it and takes both away again. */
async function probe(quotas: Quotas): Promise<void> {
  const quota = await quotas.create(`probe-${randomUUID()}`, 100);
  // Any program that waits will do, and this one is surely there: it sleeps in `readline` until it is killed.
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    await once(child, 'spawn');
    await quota.attach(child.pid!);
  } finally {
    const ended = child.exitCode === null && child.pid !== undefined ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await ended;
    await quota.remove();
  }
}
