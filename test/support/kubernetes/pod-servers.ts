import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { SERVING_PORT } from '../../../packager/contents/image-config.ts';
import {
  decodeBatchRequest,
  encodeBatchReply,
  FRAME_CONTENT_TYPE,
} from '../../../packager/server/batch-frame.ts';
import { BATCH_PATH } from '../../../packager/server/instance-protocol.ts';

/**
 * What serves in pods that are played: each an HTTP server on an address of its own that answers requests by
 * their body.
 */
export class PodServers {
  readonly #servers: Server[] = [];
  /** All of 127/8 is this machine's, where that is Linux: tests at the same time take other parts of it. */
  readonly #net = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;

  /** Whether pods can have addresses here, at all of which the port is free. */
  async canServe(): Promise<boolean> {
    try {
      await this.open();
      return true;
    } catch {
      return false;
    }
  }

  /** Another pod runs. Returns its address. */
  async open(): Promise<string> {
    const address = `${this.#net}.${this.#servers.length + 1}`;
    const server = createServer(async (request, response) => {
      if (request.url !== BATCH_PATH) {
        response.writeHead(404).end();
        return;
      }
      const requests = decodeBatchRequest(await buffer(request));
      const responses = requests.map(({ contentType, body }) => ({ status: 200, contentType, body }));
      const timing = { decodeMs: 0, executeMs: 1, encodeMs: 0, rows: requests.length };
      response.writeHead(200, { 'content-type': FRAME_CONTENT_TYPE });
      response.end(encodeBatchReply({ responses, timing }));
    });
    server.listen(SERVING_PORT, address);
    await once(server, 'listening');
    this.#servers.push(server);
    return address;
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await once(server.close(), 'close');
    }
  }
}
