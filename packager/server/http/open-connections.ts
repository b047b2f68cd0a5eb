import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DrainTimes {
  /** For a request that is still being sent to arrive whole. */
  readonly arrivalMs: number;
  /** For all that arrived whole to be answered, and for their clients to read the answers. */
  readonly answerMs: number;
}

const LOOK_MS = 50;

/** A client reads its answer at least so fast, after a while in which anything may happen. */
const SLOWEST_READER = { graceMs: 30_000, bytesPerMs: 100 };

/**
 * The connections of a server, so that it can end. By itself a server that closes waits for ever for one on
 * which nothing, or half of something, was sent: Node.js looks for such ones only while it listens.
 */
export class OpenConnections {
  readonly #sockets = new Map<Socket, Set<IncomingMessage>>();

  /** @param slowest how slow clients may read */
  constructor(server: Server, slowest: typeof SLOWEST_READER = SLOWEST_READER) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.set(socket, new Set());
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      this.#sockets.get(socket)?.add(request);
      response.once('prefinish', () => limitReading(response, slowest));
      response.once('close', () => this.#sockets.get(socket)?.delete(request));
    });
  }

  /**
   * Waits until the server is closed, and closes connections that would take too long: soon those that have
   * sent no whole request, in the end all.
   *
   * @param closed resolves when the server, which has been told to close, has no connection any more
   */
  async drain({ arrivalMs, answerMs }: DrainTimes, closed: Promise<unknown>): Promise<void> {
    let isClosed = false;
    const whenClosed = closed.finally(() => {
      isClosed = true;
    });
    for (let waitedMs = 0; !isClosed; waitedMs += LOOK_MS) {
      for (const [socket, requests] of this.#sockets) {
        const hasAll = requests.size > 0 && [...requests].every(({ complete }) => complete);
        if (waitedMs >= (hasAll ? answerMs : arrivalMs)) socket.destroy();
      }
      await Promise.race([whenClosed, sleep(LOOK_MS)]);
    }
    await whenClosed;
  }
}

/** All of an answer is written: who does not read it would have us hold it for ever. */
function limitReading(response: ServerResponse, { graceMs, bytesPerMs }: typeof SLOWEST_READER): void {
  const { socket } = response;
  if (socket === null || response.writableFinished) return;
  const timer = setTimeout(() => socket.destroy(), graceMs + socket.writableLength / bytesPerMs);
  response.once('close', () => clearTimeout(timer));
}
