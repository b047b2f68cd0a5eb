import { InflessError } from '../../models/base/errors.ts';
import { formatDuration } from '../../models/base/units.ts';

const LOOK_AT_LOGS = 'Look at the logs of its instances.';

export function overloaded(functionName: string): InflessError {
  return new InflessError('OVERLOADED', `Function "${functionName}" has as many requests waiting as it may`, {
    remedy: 'Send fewer, or allow it more instances.',
  });
}

/** Its instances were too busy. */
export function tooLate(functionName: string): InflessError {
  return new InflessError('DEADLINE_EXCEEDED', `Function "${functionName}" could not answer in time`, {
    remedy: 'Send fewer requests, or allow it more instances.',
  });
}

export function noInstance(functionName: string, waitedMs: number): InflessError {
  return new InflessError(
    'UNAVAILABLE',
    `No instance of function "${functionName}" became ready within ${formatDuration(waitedMs)}`,
    { remedy: 'Try again later; if it stays so, its status (GET /api/functions/NAME) says why.' },
  );
}

/** The request itself is the suspect. */
export function failedTooOften(functionName: string, attempts: number): InflessError {
  return new InflessError(
    'UNAVAILABLE',
    `${attempts} instances of function "${functionName}" failed this request`,
    { remedy: LOOK_AT_LOGS },
  );
}

/** Two instances ended by themselves while nothing but this request ran on them. */
export function harmful(functionName: string): InflessError {
  return new InflessError(
    'HARMFUL_REQUEST',
    `Instances of function "${functionName}" ended while they ran this request alone`,
    { remedy: `It is refused for a while. ${LOOK_AT_LOGS}` },
  );
}

export function clientGone(): InflessError {
  return new InflessError('UNAVAILABLE', 'The client hung up while its request waited');
}

/**
 * The instance could not take the batch, or was lost while it ran: none of its requests has an answer, and
 * each may be tried elsewhere.
 */
export class InstanceLost extends Error {
  override readonly name = 'InstanceLost';
  /** Whether its requests may have run, and be what it was lost by: not if it says so, or got none. */
  readonly mayHaveRun: boolean;

  constructor(what: string, { mayHaveRun = true, ...options }: ErrorOptions & { mayHaveRun?: boolean } = {}) {
    super(what, options);
    this.mayHaveRun = mayHaveRun;
  }
}
