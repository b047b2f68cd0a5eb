import type { Clock } from '../../models/base/clock.ts';
import type { InferenceRequest } from '../../packager/server/instance-protocol.ts';
import type { BatchTransport } from '../dispatch/transport.ts';

/** What became of one request. Times are in ms from the end of the warm-up. */
export interface RequestRecord {
  readonly functionName: string;
  readonly arrivalMs: number;
  /** When its last batch was sent; null where none was. */
  readonly startMs: number | null;
  /** When it was answered or given up. */
  readonly endMs: number;
  /** Of its last batch: where it ran, and how many requests were in it. */
  readonly instance: string | null;
  readonly batch: number | null;
  /** No instance was ready when it came. */
  readonly cold: boolean;
  readonly outcome: 'in-time' | 'late' | 'failed';
}

interface Sent {
  readonly startMs: number;
  readonly instance: string;
  readonly batch: number;
}

/** Notes in which batch each request went, for those who want every request by itself. */
export class RequestLog {
  readonly #sent = new WeakMap<InferenceRequest, Sent>();

  /** The transport, listened in on. */
  watch(transport: BatchTransport, clock: Clock): BatchTransport {
    return {
      send: (url, requests, timeoutMs) => {
        const sent = { startMs: clock.nowMs(), instance: instanceOf(url), batch: requests.length };
        for (const request of requests) this.#sent.set(request, sent);
        return transport.send(url, requests, timeoutMs);
      },
    };
  }

  sent(request: InferenceRequest): Sent | undefined {
    return this.#sent.get(request);
  }
}

function instanceOf(url: string): string {
  return url.slice(url.indexOf('://') + 3);
}
