import { ApiFailure } from './api-failure.ts';

export interface Fault {
  /** 429, 500, …, or no answer but the end of the connection. */
  readonly status: number | 'reset';
  readonly retryAfterSeconds?: number;
  /** How many requests it meets; default: 1. */
  readonly times?: number;
  /** Default: any. */
  readonly method?: string;
  /** Of the path without its query; default: any. */
  readonly path?: RegExp;
}

const REASONS: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** What must go wrong with the next requests. */
export class Faults {
  #planned: { fault: Fault; left: number }[] = [];

  plan(fault: Fault): void {
    this.#planned.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#planned = [];
  }

  /** What this request meets, if anything. */
  take(method: string, path: string): Fault | undefined {
    const met = this.#planned.find(
      ({ fault }) => (fault.method ?? method) === method && (fault.path?.test(path) ?? true),
    );
    if (met === undefined) return undefined;
    met.left -= 1;
    this.#planned = this.#planned.filter(({ left }) => left > 0);
    return met.fault;
  }
}

export function failureOf(status: number): ApiFailure {
  return new ApiFailure(status, REASONS[status] ?? '', `this request was to fail with ${status}`);
}
