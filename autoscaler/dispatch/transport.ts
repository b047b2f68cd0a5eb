import { Agent, request } from 'undici';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { JSON_TYPE } from '../../models/protocols/protocol.ts';
import {
  decodeBatchReply,
  encodeBatchRequest,
  FRAME_CONTENT_TYPE,
} from '../../packager/server/batch-frame.ts';
import {
  BATCH_PATH,
  type BatchResponse,
  type BatchTiming,
  type InferenceRequest,
  READY_PATH,
  readyReportSchema,
} from '../../packager/server/instance-protocol.ts';
import { InstanceLost } from './dispatch-errors.ts';

/** What an instance says when it is asked whether it lives. */
export interface InstanceProbe {
  readonly isAlive: boolean;
  /** Changes whenever its inference thread has done something; undefined where it does not tell. */
  readonly progress?: number | undefined;
}

/** How batches reach instances: over HTTP, or inside the simulator. */
export interface BatchTransport {
  /**
   * @param signal gives it up
   * @throws InstanceLost
   */
  send(
    url: string,
    requests: readonly InferenceRequest[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<BatchResponse>;
  /** Asks a late instance whether it lives; never rejects. Where there is none, no batch is watched. */
  probe?(url: string): Promise<InstanceProbe>;
}

const PROBE_TIMEOUT_MS = 900;

/** No connection was made at all. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Batches over HTTP, on connections that are kept open to every instance. */
export class HttpTransport implements BatchTransport {
  readonly #agent = new Agent({ keepAliveTimeout: 30_000, connectTimeout: 2_000, pipelining: 1 });

  async probe(url: string): Promise<InstanceProbe> {
    try {
      const { statusCode, body } = await request(new URL(READY_PATH, url), {
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
      if (statusCode !== 200) {
        await body.dump();
        return { isAlive: true }; // it drains
      }
      const report = readyReportSchema.safeParse(await body.json());
      return { isAlive: true, progress: report.success ? report.data.progress : undefined };
    } catch {
      return { isAlive: false };
    }
  }

  async send(
    url: string,
    requests: readonly InferenceRequest[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<BatchResponse> {
    try {
      const response = await request(new URL(BATCH_PATH, url), {
        dispatcher: this.#agent,
        method: 'POST',
        headers: { 'content-type': FRAME_CONTENT_TYPE },
        body: encodeBatchRequest(requests),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
      const body = await response.body.bytes();
      if (response.statusCode === 413) {
        return await this.#sendApart(body, url, requests, timeoutMs, signal);
      }
      if (response.statusCode !== 200) {
        throw new InstanceLost(
          `instance answered ${response.statusCode}: ${Buffer.from(body).toString('utf8', 0, 200)}`,
          { mayHaveRun: false },
        );
      }
      const reply = decodeBatchReply(body);
      if (reply.responses.length === requests.length) return reply;
      throw new InstanceLost(
        `instance gave ${reply.responses.length} answers to ${requests.length} requests`,
      );
    } catch (error) {
      if (error instanceof InstanceLost) throw error;
      if (error instanceof InflessError)
        throw new InstanceLost(`instance answered what is no batch reply: ${error.message}`);
      const mayHaveRun = !NEVER_SENT.has(systemCode(error) ?? '');
      throw new InstanceLost(messageOf(error), { cause: error, mayHaveRun });
    }
  }

  /**
   * The memory limit of the instance leaves less than these requests take together: in halves they may fit. A
   * lone one that does not is answered so, since no instance of this kind could take it.
   */
  async #sendApart(
    refusal: Uint8Array,
    url: string,
    requests: readonly InferenceRequest[],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<BatchResponse> {
    if (requests.length === 1) {
      const timing = { decodeMs: 0, executeMs: 0, encodeMs: 0, rows: 0 };
      return { responses: [{ status: 413, contentType: JSON_TYPE, body: refusal }], timing };
    }
    const half = Math.ceil(requests.length / 2);
    const first = await this.send(url, requests.slice(0, half), timeoutMs, signal);
    const second = await this.send(url, requests.slice(half), timeoutMs, signal);
    const sum = (part: (timing: BatchTiming) => number): number => part(first.timing) + part(second.timing);
    const ranAlone = first.ranAlone ?? second.ranAlone;
    return {
      responses: [...first.responses, ...second.responses],
      timing: {
        decodeMs: sum(({ decodeMs }) => decodeMs),
        executeMs: sum(({ executeMs }) => executeMs),
        encodeMs: sum(({ encodeMs }) => encodeMs),
        rows: sum(({ rows }) => rows),
      },
      ...(ranAlone === undefined ? {} : { ranAlone }),
    };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
