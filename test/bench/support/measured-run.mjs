import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 10;

/**
 * Runs a program to its end. Memory is the high-water mark of its resident set as the kernel keeps it, looked
 * up while it runs. Of the processes it starts it is the most that one of them was seen to have for itself:
 * what it maps of files is the system's, which takes it back when it needs it.
 */
export async function measuredRun(command, args, environment = {}) {
  const fromMs = performance.now();
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text;
  });
  let peakBytes = 0;
  let largestChildBytes = 0;
  const watch = setInterval(() => {
    const [, ...others] = familyOf(child.pid);
    peakBytes = Math.max(peakBytes, memoryBytes(child.pid, 'VmHWM'));
    largestChildBytes = Math.max(largestChildBytes, ...others.map((pid) => memoryBytes(pid, 'RssAnon')));
  }, LOOK_EVERY_MS);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(watch);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${complaint.trim()}`);
  return { durationMs: performance.now() - fromMs, peakBytes, largestChildBytes };
}

/** A process and all below it; one that ends meanwhile has none. */
function familyOf(pid) {
  const children = readIfThere(`/proc/${pid}/task/${pid}/children`)?.trim().split(' ').filter(Boolean) ?? [];
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

/** A line of what the kernel tells of a process; none for one that has ended. */
function memoryBytes(pid, what) {
  const status = readIfThere(`/proc/${pid}/status`) ?? '';
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
