import type { Dispatcher } from 'undici';
import { Pool } from 'undici';
import { systemCode } from '../../models/base/errors.ts';
import type { RequestSender } from './open-loop.ts';
import type { RequestResult } from './recorder.ts';

export interface HttpClientOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For connecting, for the answer's head, and between parts of its body. */
  readonly timeoutMs: number;
}

/** Enough for any sentence; an error may also be a page. */
const ERROR_BYTES = 4096;

/** The names of undici's errors that a reader of a report should not need to look up. */
const REASONS: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_SOCKET: 'connection closed',
};

/**
 * Sends requests to one URL without queueing any: as many connections as there are outstanding requests, one
 * request on each at a time, or a slow answer would hold up the next request and hide from its latency.
 */
export class HttpClient implements RequestSender {
  readonly #pool: Pool;
  readonly #request: Dispatcher.DispatchOptions;
  /** Whether an error was told in its own words: those of the first are enough. */
  #hasToldError = false;

  constructor(url: URL, options: HttpClientOptions) {
    this.#pool = new Pool(url.origin, {
      connections: null,
      pipelining: 1,
      connectTimeout: options.timeoutMs,
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
    });
    this.#request = {
      method: options.method as Dispatcher.HttpMethod,
      path: `${url.pathname}${url.search}`,
      headers: options.headers,
    };
  }

  /** Sends one request; `done` hears once how it ended, when the whole answer has been read. */
  send(body: Uint8Array | null, done: (outcome: RequestResult) => void): void {
    let status = 0;
    let errorBytes: Buffer | undefined;
    this.#pool.dispatch(
      { ...this.#request, body },
      {
        onRequestStart() {},
        onResponseStart: (_controller, statusCode) => {
          status = statusCode;
          if (!this.#hasToldError && (status < 200 || status > 299)) errorBytes = Buffer.alloc(0);
        },
        // Read and, but for the beginning of an error, forgotten: the connection is free only after the last
        // byte.
        onResponseData: (_controller, chunk) => {
          if (errorBytes === undefined || errorBytes.length >= ERROR_BYTES) return;
          errorBytes = Buffer.concat([errorBytes, chunk.subarray(0, ERROR_BYTES - errorBytes.length)]);
        },
        onResponseEnd: () => {
          if (errorBytes === undefined) return done({ status });
          this.#hasToldError = true;
          done({ status, text: errorBytes.toString('utf8') });
        },
        onResponseError: (_controller, error) => done({ error: reasonOf(error) }),
      },
    );
  }

  /** Closes every connection; outstanding requests end as errors. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

function reasonOf(error: Error): string {
  const code = systemCode(error) ?? error.name;
  return REASONS[code] ?? code;
}
