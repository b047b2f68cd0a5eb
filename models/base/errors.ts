/**
 * Every failure a user can cause or meet, in one table: its HTTP status, its process exit code.
 *
 * Exit codes: 1 = the answer is "no" (an SLO was missed), 2 = bad input, 3 = the environment failed (port
 * taken, disk read-only), 4 = the accelerator that was asked for cannot be used here, 70 = a defect of ours.
 */
const ERROR_TABLE = {
  INVALID_INPUT: { status: 400, exitCode: 2 },
  MODEL_NOT_FOUND: { status: 404, exitCode: 2 },
  MODEL_CORRUPT: { status: 422, exitCode: 2 },
  MODEL_UNSUPPORTED: { status: 422, exitCode: 2 },
  INFERENCE_FAILED: { status: 500, exitCode: 1 },
  PROFILE_NOT_FOUND: { status: 422, exitCode: 2 },
  PROFILE_INVALID: { status: 422, exitCode: 2 },
  FUNCTION_NOT_FOUND: { status: 404, exitCode: 2 },
  SECRET_NOT_FOUND: { status: 404, exitCode: 2 },
  SECRET_EXISTS: { status: 409, exitCode: 2 },
  SLO_INFEASIBLE: { status: 422, exitCode: 1 },
  HARMFUL_REQUEST: { status: 422, exitCode: 1 },
  BODY_TOO_LARGE: { status: 413, exitCode: 2 },
  OVERLOADED: { status: 429, exitCode: 1 },
  UNAVAILABLE: { status: 503, exitCode: 1 },
  DEADLINE_EXCEEDED: { status: 504, exitCode: 1 },
  IMAGE_NOT_FOUND: { status: 404, exitCode: 2 },
  IMAGE_CORRUPT: { status: 422, exitCode: 2 },
  REGISTRY_FAILED: { status: 503, exitCode: 3 },
  ADDRESS_IN_USE: { status: 500, exitCode: 3 },
  STORAGE_FAILED: { status: 500, exitCode: 3 },
  PLATFORM_FAILED: { status: 503, exitCode: 3 },
  ACCELERATOR_UNAVAILABLE: { status: 503, exitCode: 4 },
  ACCELERATOR_OUT_OF_MEMORY: { status: 503, exitCode: 1 },
} as const satisfies Record<string, { status: number; exitCode: number }>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export interface InflessErrorOptions {
  /** What the reader can do about it: an imperative sentence. */
  readonly remedy?: string;
  readonly cause?: unknown;
  /** Machine-readable facts for API clients (e.g. `{ nearestSloMs: 80 }`). */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * A failure that is the user's or the environment's, told in one sentence and a remedy; never a stack trace.
 */
export class InflessError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, what: string, options: InflessErrorOptions = {}) {
    super(what, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'InflessError';
    this.code = code;
    this.remedy = options.remedy;
    this.details = options.details;
  }

  get status(): number {
    return ERROR_TABLE[this.code].status;
  }

  get exitCode(): number {
    return ERROR_TABLE[this.code].exitCode;
  }

  /** What happened and what to do, as one line for a terminal or an `{"error": …}` body. */
  get sentence(): string {
    const what = this.message.endsWith('.') ? this.message : `${this.message}.`;
    return this.remedy === undefined ? what : `${what} ${this.remedy}`;
  }
}

/**
 * Statuses that say that the request itself was wrong. Sent again it gets the same answer from any server, so
 * they say nothing of how well a promise is kept, unlike 429 and 5xx.
 */
const WRONG_REQUEST: ReadonlySet<number> = new Set([400, 404, 405, 411, 413, 415, 422]);

export function isWrongRequest(status: number): boolean {
  return WRONG_REQUEST.has(status);
}

export const EXIT_DEFECT = 70;
export const EXIT_INTERRUPTED = 130;

/** The message of anything that was thrown, without its stack. */
export function messageOf(error: unknown): string {
  if (error instanceof InflessError) return error.sentence;
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node.js system error (`ENOENT`, `EADDRINUSE`, …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
