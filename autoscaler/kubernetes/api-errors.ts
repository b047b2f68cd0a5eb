import { InflessError, messageOf } from '../../models/base/errors.ts';

export interface ApiErrorOptions {
  /** The API's own word for it: `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, … */
  readonly reason?: string;
  /** When the API asked to be asked again. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** An API server did not do what it was asked, or gave no answer at all (status 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.reason = options.reason ?? '';
    this.retryAfterMs = options.retryAfterMs;
  }
}

export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);

/** What was asked for exists already. */
export const isAlreadyExists = (error: unknown): boolean =>
  hasStatus(error, 409) && error.reason === 'AlreadyExists';

/** Somebody else has changed it since it was read: read it again. */
export const isConflict = (error: unknown): boolean =>
  hasStatus(error, 409) && error.reason !== 'AlreadyExists';

/** The version that a watch was to go on from is not kept any more: list again. */
export const isGone = (error: unknown): boolean => hasStatus(error, 410);

/** The same request may well succeed a little later. */
export const isTransient = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);

/** What a user reads of it: what could not be done, and why. */
export function platformFailure(what: string, error: unknown): InflessError {
  const status = error instanceof ApiError ? error.status : undefined;
  return new InflessError('PLATFORM_FAILED', `${what}: ${messageOf(error)}`, {
    cause: error,
    remedy: REMEDIES.get(status) ?? 'Look at what the cluster says of it, with kubectl.',
  });
}

const REMEDIES: ReadonlyMap<number | undefined, string> = new Map([
  [0, 'It is tried again; check that the cluster runs and can be reached from here.'],
  [401, 'Renew the credentials in the kubeconfig.'],
  [403, 'Give the account that the autoscaler uses the right to do that.'],
  [409, 'It is tried again.'],
  [429, 'It is tried again; the API server has too much to do.'],
]);

function hasStatus(error: unknown, status: number): error is ApiError {
  return error instanceof ApiError && error.status === status;
}
