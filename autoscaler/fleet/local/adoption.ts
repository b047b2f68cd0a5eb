import { createHash } from 'node:crypto';
import { type Clock, pause } from '../../../models/base/clock.ts';
import { messageOf, systemCode } from '../../../models/base/errors.ts';
import type { Quotas } from '../../../profiler/quota/quota.ts';
import type { InstancePhase } from '../../cluster/instance.ts';
import type { InstanceRecord } from './instance-record.ts';
import { isAlive, signalProcess } from './process-identity.ts';
import type { ReadyAnswer, ReadyProbe } from './ready-probe.ts';
import { type ServingProcess, watchServingProcess } from './serving-process.ts';

export interface Adopted {
  readonly serving: ServingProcess;
  /** `draining` when somebody has asked it to end already. */
  readonly phase: InstancePhase;
}

const ATTEMPTS = 3;
const ATTEMPT_TIMEOUT_MS = 1_000;
const KILL_PATIENCE_MS = 2_000;

/**
 * Finds the process of a record from an earlier life. It is adopted if it is that very process and answers
 * for that very instance; otherwise it is of no use to anybody and is killed. A process that merely has the
 * same pid is left alone.
 *
 * @returns undefined where nothing is left to adopt.
 */
export async function adoptProcess(
  record: InstanceRecord,
  probe: ReadyProbe,
  clock: Clock,
): Promise<Adopted | undefined> {
  if (!(await isAlive(record.process))) return undefined;
  if (record.port !== null) {
    const answer = await askPatiently(probe, record.port, clock);
    const isItself =
      answer.kind === 'busy' || (answer.kind === 'ready' && answer.report.instance === record.id);
    if (isItself) {
      const unready = record.readyAtMs === null ? 'starting' : 'draining';
      const phase = answer.kind === 'ready' ? 'ready' : unready;
      return { serving: watchServingProcess(record.process, record.port, clock), phase };
    }
  }
  await killAndWait(record, clock);
  return undefined;
}

async function askPatiently(probe: ReadyProbe, port: number, clock: Clock): Promise<ReadyAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await probe.ask(port, ATTEMPT_TIMEOUT_MS);
    if (answer.kind !== 'silent' || attempt === ATTEMPTS) return answer;
    await pause(clock, 100 * attempt);
  }
}

async function killAndWait(record: InstanceRecord, clock: Clock): Promise<void> {
  await signalProcess(record.process, 'SIGKILL');
  const giveUpAtMs = clock.nowMs() + KILL_PATIENCE_MS;
  while (clock.nowMs() < giveUpAtMs && (await isAlive(record.process))) await pause(clock, 10);
}

/**
 * What the names of the quotas of one state folder start with; an instance's id follows. Names are shared by
 * the whole machine, and a folder must find its own and no others.
 */
export function quotaPrefix(stateDirectory: string): string {
  return `serve-${createHash('sha256').update(stateDirectory).digest('hex').slice(0, 8)}-`;
}

/**
 * Clears away quotas of ours that belong to no instance, and whatever runs under them: processes whose record
 * was lost, as when the autoscaler was killed between starting one and writing it down. The quota's name
 * proves that they are ours, where a pid in a file would not.
 *
 * @returns why some are left, if any: one whose last process is slow to end goes with the next sweep
 */
export async function sweepQuotas(
  quotas: Quotas,
  prefix: string,
  isKept: (id: string) => boolean,
): Promise<string[]> {
  const stray = (await quotas.list()).filter(
    (name) => name.startsWith(prefix) && !isKept(name.slice(prefix.length)),
  );
  const outcomes = await Promise.allSettled(stray.map((name) => clearAway(quotas, name)));
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [messageOf(outcome.reason)] : []));
}

async function clearAway(quotas: Quotas, name: string): Promise<void> {
  const quota = await quotas.adopt(name);
  for (const pid of (await quota?.processes()) ?? []) kill(pid);
  await quota?.remove();
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}
