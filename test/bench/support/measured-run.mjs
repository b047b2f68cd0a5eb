import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 10;

/**
 * Runs a program to its end. Memory is the high-water mark of its resident set as the kernel keeps it, looked up while
 * it runs: of the process itself, and of the largest among those it starts.
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
  const peaks = new Map();
  const watch = setInterval(() => {
    for (const pid of familyOf(child.pid)) {
      const bytes = highWaterBytes(pid);
      if (bytes !== undefined) peaks.set(pid, bytes);
    }
  }, LOOK_EVERY_MS);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(watch);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${complaint.trim()}`);
  const { [child.pid]: peakBytes = 0, ...others } = Object.fromEntries(peaks);
  return {
    durationMs: performance.now() - fromMs,
    peakBytes,
    largestChildBytes: Math.max(0, ...Object.values(others)),
  };
}

/** A process and all below it; one that ends meanwhile has none. */
function familyOf(pid) {
  const children = readIfThere(`/proc/${pid}/task/${pid}/children`)?.trim().split(' ').filter(Boolean) ?? [];
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

function highWaterBytes(pid) {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`) ?? '')?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
