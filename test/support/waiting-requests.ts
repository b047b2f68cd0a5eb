import type { Waiting } from '../../models/batching/deadline-queue.ts';
import type { IdleServer } from '../../models/batching/servers.ts';

export interface TestRequest extends Waiting {
  readonly name: string;
}

/** A request that came at `arrivalMs` and is due `sloMs` later; no one gives it up unless told when. */
export function waiting(
  name: string,
  arrivalMs: number,
  { sloMs = 200, expiresAtMs = Infinity }: { sloMs?: number; expiresAtMs?: number } = {},
): TestRequest {
  return { name, arrivalMs, deadlineMs: arrivalMs + sloMs, expiresAtMs };
}

export function namesOf(requests: readonly TestRequest[]): string[] {
  return requests.map(({ name }) => name);
}

/** A server whose batch takes `baseMs`, and `perRowMs` for each row. */
export function server(key: string, maxBatch: number, baseMs: number, perRowMs = 0): IdleServer<string> {
  return { key, maxBatch, executionMs: (rows) => baseMs + perRowMs * rows };
}
