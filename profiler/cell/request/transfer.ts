import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import type { ReceiveAnswer } from '../cell-protocol.ts';

const HOST = '127.0.0.1';
/** Transfers at least, however slow they are under the quota; as many go before without being timed. */
const FEWEST = 3;

/** A request of one row, and what is answered to it. */
export interface RowBytes {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
}

/**
 * Receives requests as a serving process does, for somebody outside of our quota to tell how long that takes:
 * reads a body, puts it together, takes it out of its frame, and answers.
 *
 * @returns where, and how many bytes a request should have; it goes on until the process ends
 */
export async function receive({ request, response }: RowBytes): Promise<ReceiveAnswer> {
  const server = createServer((incoming, outgoing) => {
    bodyOf(incoming).then(
      () => outgoing.end(response),
      () => outgoing.destroy(),
    );
  });
  server.listen(0, HOST).unref();
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, requestBytes: request.byteLength };
}

/** Chunks into one buffer, and the body out of it into one of its own, which can go to another thread. */
async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return new Uint8Array(Buffer.concat(chunks));
}

export interface TransferLimits {
  /** Altogether, as far as the fewest transfers take no longer. */
  readonly budgetMs: number;
  /** The longest that one may take. */
  readonly silenceMs: number;
}

/**
 * Mean time from sending such a request to having its answer, in ms: what bringing one row to an instance of
 * this quota on the same machine takes, beside reading its JSON. Told from outside: the sender's work is the
 * gateway's, and not under the quota.
 *
 * @throws InflessError INFERENCE_FAILED where the process is gone or does not answer
 */
export async function transferMs(
  { port, requestBytes }: ReceiveAnswer,
  { budgetMs, silenceMs }: TransferLimits,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = Buffer.alloc(requestBytes);
  const repeat = async (): Promise<number> => {
    const begin = performance.now();
    let elapsedMs = 0;
    let transfers = 0;
    while (transfers < FEWEST || elapsedMs < budgetMs / 2) {
      await send(agent, port, body, silenceMs);
      transfers += 1;
      elapsedMs = performance.now() - begin;
    }
    return elapsedMs / transfers;
  };
  try {
    await repeat();
    return await repeat();
  } catch (error) {
    throw new InflessError(
      'INFERENCE_FAILED',
      `The measuring process took no requests over HTTP (${messageOf(error)})`,
      { cause: error },
    );
  } finally {
    agent.destroy();
  }
}

function send(agent: Agent, port: number, body: Buffer, silenceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        agent,
        host: HOST,
        port,
        method: 'POST',
        headers: { 'content-length': body.byteLength },
        timeout: silenceMs,
      },
      (incoming) => {
        incoming.on('error', reject).on('end', resolve).resume();
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', reject).end(body);
  });
}
