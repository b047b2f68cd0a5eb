import { readFile } from 'node:fs/promises';
import { systemCode } from './errors.ts';

/** USER_HZ: what /proc counts time in. 100 on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  /** One letter: `R` running, `S` sleeping, `Z` ended but not yet waited for, … */
  readonly state: string;
  /** CPU time, user and system, of all its threads. */
  readonly cpuMs: number;
  /** In clock ticks since boot. Together with the pid it names a process for good: a reused pid differs. */
  readonly startTicks: number;
}

/** Reads `/proc/<pid>/stat`. The second field is the program's name, which may hold blanks and brackets. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]); // numbered as in proc(5), from 1
  return {
    state: fields[0] ?? '?',
    cpuMs: ((field(14) + field(15)) * 1000) / TICKS_PER_SECOND,
    startTicks: field(22),
  };
}

/** Undefined where there is no such process, or no /proc. */
export async function processStat(pid: number): Promise<ProcessStat | undefined> {
  const text = await readProcessFile(pid, 'stat');
  return text === undefined ? undefined : parseProcessStat(text);
}

/** Whether a process of that number lives, whosever it is. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

export async function processCpuMs(pid: number): Promise<number | undefined> {
  return (await processStat(pid))?.cpuMs;
}

/** Memory it holds in RAM now. */
export async function processResidentBytes(pid: number): Promise<number | undefined> {
  return (await processMemory(pid))?.residentBytes;
}

/** Memory it holds in RAM now, and has held at most since its program began. */
export async function processMemory(
  pid: number,
): Promise<{ readonly residentBytes: number; readonly peakBytes: number } | undefined> {
  const status = (await readProcessFile(pid, 'status')) ?? '';
  const bytesOf = (field: string): number | undefined => {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
    return match === null ? undefined : Number(match[1]) * 1024;
  };
  const residentBytes = bytesOf('VmRSS');
  if (residentBytes === undefined) return undefined;
  return { residentBytes, peakBytes: bytesOf('VmHWM') ?? residentBytes };
}

async function readProcessFile(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined; // ESRCH: it ended between open and read
    throw error;
  }
}
