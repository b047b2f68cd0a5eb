import { Agent, request } from 'undici';
import { InflessError, messageOf } from '../../models/base/errors.ts';
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
} from '../../packager/server/instance-protocol.ts';

/**
 * The instance could not take the batch, or was lost while it ran: none of its requests has an answer, and
 * each may be tried elsewhere.
 */
export class InstanceLost extends Error {
  override readonly name = 'InstanceLost';
}

/** How batches reach instances: over HTTP, or inside the simulator. */
export interface BatchTransport {
  /** @throws InstanceLost */
  send(url: string, requests: readonly InferenceRequest[], timeoutMs: number): Promise<BatchResponse>;
}

/** Batches over HTTP, on connections that are kept open to every instance. */
export class HttpTransport implements BatchTransport {
  readonly #agent = new Agent({ keepAliveTimeout: 30_000, connectTimeout: 2_000, pipelining: 1 });

  async send(url: string, requests: readonly InferenceRequest[], timeoutMs: number): Promise<BatchResponse> {
    try {
      const response = await request(new URL(BATCH_PATH, url), {
        dispatcher: this.#agent,
        method: 'POST',
        headers: { 'content-type': FRAME_CONTENT_TYPE },
        body: encodeBatchRequest(requests),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      const body = await response.body.bytes();
      if (response.statusCode === 413) return await this.#sendApart(url, requests, timeoutMs, body);
      if (response.statusCode !== 200) {
        throw new InstanceLost(
          `instance answered ${response.statusCode}: ${Buffer.from(body).toString('utf8', 0, 200)}`,
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
      throw new InstanceLost(messageOf(error), { cause: error });
    }
  }

  /**
   * The memory limit of the instance leaves less than these requests take together: in halves they may fit. A
   * lone one that does not is answered so, since no instance of this kind could take it.
   */
  async #sendApart(
    url: string,
    requests: readonly InferenceRequest[],
    timeoutMs: number,
    refusal: Uint8Array,
  ): Promise<BatchResponse> {
    if (requests.length === 1) {
      const timing = { decodeMs: 0, executeMs: 0, encodeMs: 0, rows: 0 };
      return { responses: [{ status: 413, contentType: JSON_TYPE, body: refusal }], timing };
    }
    const half = Math.ceil(requests.length / 2);
    const first = await this.send(url, requests.slice(0, half), timeoutMs);
    const second = await this.send(url, requests.slice(half), timeoutMs);
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
