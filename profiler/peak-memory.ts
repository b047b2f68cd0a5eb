import { readFileSync } from 'node:fs';

/**
 * The most memory this process has held, in bytes.
 *
 * Not `resourceUsage().maxRSS` where it can be avoided: on Linux that survives `exec`, so that a small process
 * started by a large one reports the large one's memory. VmHWM belongs to this program alone.
 */
export function peakMemoryBytes(): number {
  return highWaterMarkBytes() ?? process.resourceUsage().maxRSS * 1024;
}

function highWaterMarkBytes(): number | undefined {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return match === null ? undefined : Number(match[1]) * 1024;
  } catch {
    return undefined; // no /proc here
  }
}
