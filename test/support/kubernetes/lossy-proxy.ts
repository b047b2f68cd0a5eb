import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeKubeconfig } from './kubeconfig.ts';

/**
 * Stands before an API server without TLS, and loses the answer to the first request of a kind: the server
 * has done what it asked.
 */
export class LossyProxy {
  /** For who is to talk to the server through it. */
  readonly kubeconfig: string;
  readonly #server: Server;
  #lost = 0;

  private constructor(server: Server, kubeconfig: string) {
    this.#server = server;
    this.kubeconfig = kubeconfig;
  }

  static async start(kubeconfig: string, loses: (request: IncomingMessage) => boolean): Promise<LossyProxy> {
    const { clusters, users } = JSON.parse(await readFile(kubeconfig, 'utf8'));
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const directory = await mkdtemp(join(tmpdir(), 'infless-proxy-'));
    const own = await writeKubeconfig(directory, { url, token: users[0].user.token });
    const proxy = new LossyProxy(server, own);
    server.on('request', (incoming, outgoing) => {
      const isLost = proxy.#lost === 0 && loses(incoming);
      if (isLost) proxy.#lost += 1;
      pass(clusters[0].cluster.server, incoming, outgoing, isLost);
    });
    return proxy;
  }

  /** How many answers were lost. */
  get lost(): number {
    return this.#lost;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
    await rm(dirname(this.kubeconfig), { recursive: true });
  }
}

function pass(server: string, incoming: IncomingMessage, outgoing: ServerResponse, isLost: boolean): void {
  const { method, headers, url = '/' } = incoming;
  const onward = request(new URL(url, server), { method, headers }, (answer) => {
    if (isLost) {
      outgoing.destroy();
      answer.resume();
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}
