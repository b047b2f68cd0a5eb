import { readFile } from 'node:fs/promises';
import { systemCode } from '../../models/base/errors.ts';

/** USER_HZ: what /proc counts time in. 100 on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  /** One letter: `R` running, `S` sleeping, `Z` ended but not yet waited for, … */
  readonly state: string;
  /** CPU time, user and system, of all its threads. */
  readonly cpuMs: number;
  /** In clock ticks since boot. Together with the pid it names a process for good: a reused pid differs. */
  readonly startTicks: number;
  readonly rssPages: number;
}

/** Reads `/proc/<pid>/stat`. The second field is the program's name, which may hold blanks and brackets. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]); // numbered as in proc(5), from 1
  return {
    state: fields[0] ?? '?',
    cpuMs: ((field(14) + field(15)) * 1000) / TICKS_PER_SECOND,
    startTicks: field(22),
    rssPages: field(24),
  };
}

/** Undefined where there is no such process, or no /proc. */
export async function processStat(pid: number): Promise<ProcessStat | undefined> {
  try {
    return parseProcessStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

export async function processCpuMs(pid: number): Promise<number | undefined> {
  return (await processStat(pid))?.cpuMs;
}
