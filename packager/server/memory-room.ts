import { totalmem } from 'node:os';
import { InflessError } from '../../models/base/errors.ts';
import { formatBytes } from '../../models/base/units.ts';

/**
 * What a limit leaves beyond a process that has run its largest batch, and how it is shared out. Each part
 * bounds what comes from outside: together they cannot reach the limit.
 */
export interface MemoryRoom {
  /** Bodies received and answers not yet sent. */
  readonly heldBytes: number;
  /** Tensors of requests that are decoded at the same time; of one request there may be as much. */
  readonly decodedBytes: number;
}

/** For what no one counts: code that was not needed yet, sockets, garbage before it is collected. */
const RESERVE_SHARE = 0.05;
/** A process that has no room left still answers small requests. */
const LEAST_BYTES = 1 << 20;

/**
 * The limit of the cgroup that this process is in, version 1 or 2, in bytes; undefined where it has none that
 * is smaller than the machine.
 */
export function memoryLimitBytes(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}

/**
 * @param limitBytes the limit of the cgroup
 * @param residentBytes what the process holds with nothing taken in, after its largest batch
 */
export function roomFor(limitBytes: number, residentBytes: number): MemoryRoom {
  const left = limitBytes * (1 - RESERVE_SHARE) - residentBytes;
  return {
    heldBytes: Math.max(LEAST_BYTES, Math.floor(left / 2)),
    // An answer is made of as many tensors, and of its own text.
    decodedBytes: Math.max(LEAST_BYTES, Math.floor(left / 4)),
  };
}

/** A request whose tensors would take what the limit does not leave. */
export function beyondMemory(bytes: number, room: number): InflessError {
  return new InflessError(
    'BODY_TOO_LARGE',
    `The request takes ${formatBytes(bytes)} of memory, and the limit of this server leaves ${formatBytes(room)} for it`,
    { remedy: 'Send fewer rows in a request, or raise the memory limit.' },
  );
}

/**
 * Refuses a model that a process with this limit would be killed for while it loads.
 *
 * @param residentBytes what the process holds without it
 * @throws InflessError PLATFORM_FAILED
 */
export function requireRoomForWeights(
  weightBytes: number,
  { limitBytes, residentBytes }: { readonly limitBytes: number | undefined; readonly residentBytes: number },
): void {
  if (limitBytes === undefined || residentBytes + weightBytes <= limitBytes) return;
  throw new InflessError(
    'PLATFORM_FAILED',
    `The memory limit is ${formatBytes(limitBytes)}, and the weights of the model (${formatBytes(weightBytes)}) do not fit beside the process (${formatBytes(residentBytes)})`,
    { remedy: 'Raise the memory limit: the profile table of the model says how much an instance takes.' },
  );
}
