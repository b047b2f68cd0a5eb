import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ApiRequests } from './api-requests.ts';
import type { ApiServer } from './api-server.ts';
import { ApiFailure } from './double/api-failure.ts';
import { type Fault, Faults, failureOf } from './double/faults.ts';
import { ObjectStore } from './double/object-store.ts';
import { PodLogs } from './double/pod-logs.ts';
import { RequestHandler } from './double/request-handler.ts';
import { writeKubeconfig } from './kubeconfig.ts';

/** One request that was made of it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** How who asks calls itself. */
  readonly agent: string | undefined;
}

/**
 * A Kubernetes API server in this process: what the real one does with objects, over HTTP, as far as the
 * autoscaler can tell, and faults when they are asked for. `api-server.test.ts` holds both to the same
 * expectations.
 */
export class ApiDouble implements ApiServer {
  readonly kind = 'double';
  readonly kubeconfig: string;
  readonly requests: ApiRequests;
  /** What pods have printed. */
  readonly logs: PodLogs;
  readonly #directory: string;
  readonly #server: Server;
  readonly #store = new ObjectStore();
  readonly #faults = new Faults();
  readonly #handler: RequestHandler;
  readonly #listeners = new Set<(call: Call) => void>();
  readonly #token: string;
  #isAway = false;

  private constructor(
    server: Server,
    directory: string,
    kubeconfig: string,
    token: string,
    connections: number | undefined,
  ) {
    this.#server = server;
    this.#directory = directory;
    this.kubeconfig = kubeconfig;
    this.#token = token;
    this.requests = new ApiRequests({ url: urlOf(server), token }, connections);
    this.logs = new PodLogs();
    this.#handler = new RequestHandler(this.#store, this.logs);
    server.on('request', (request, response) => void this.#serve(request, response));
    // Refused on arrival, not by giving up the port: another program might take it.
    server.on('connection', (socket) => this.#isAway && socket.destroy());
  }

  /** @param connections of its own {@link requests} */
  static async start(connections?: number): Promise<ApiDouble> {
    const server = createServer({ keepAliveTimeout: 0 }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const token = randomUUID();
    const directory = await mkdtemp(join(tmpdir(), 'infless-api-double-'));
    const kubeconfig = await writeKubeconfig(directory, { url: urlOf(server), token });
    const double = new ApiDouble(server, directory, kubeconfig, token, connections);
    for (const name of ['default', 'kube-system'])
      await double.requests.create('/api/v1/namespaces', { metadata: { name } });
    return double;
  }

  get url(): string {
    return urlOf(this.#server);
  }

  /** Plans what must go wrong with the next requests. */
  fail(fault: Fault): void {
    this.#faults.plan(fault);
  }

  /** Nothing that was planned goes wrong any more. */
  recover(): void {
    this.#faults.clear();
  }

  /** Breaks the connections of all watches. */
  dropWatches(): void {
    this.#handler.dropWatches();
  }

  /** Forgets history: a watch or a list that wants to go on from before gets 410. */
  compact(): void {
    this.#store.compact();
  }

  /** Told of every request, before it is answered. */
  onCall(listener: (call: Call) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async outage(during: () => Promise<void> = async () => {}): Promise<void> {
    this.#isAway = true;
    this.#server.closeAllConnections();
    try {
      await during();
    } finally {
      this.#store.compact(); // the real one starts again without its watch cache
      this.#isAway = false;
    }
  }

  async close(): Promise<void> {
    await this.requests.close();
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
    const body = await text(request).catch(() => undefined);
    if (body === undefined || this.#isAway) return; // the client hung up
    const agent = request.headers['user-agent'];
    for (const listener of this.#listeners) listener({ method, path, query, agent });
    const fault = this.#faults.take(method, path);
    if (fault?.status === 'reset') {
      response.destroy();
      return;
    }
    try {
      if (fault !== undefined) throw failureOf(fault.status as number);
      if (request.headers.authorization !== `Bearer ${this.#token}`)
        throw new ApiFailure(401, 'Unauthorized', 'Unauthorized');
      this.#handler.handle({ method, path, query, headers: request.headers, body }, response);
    } catch (error) {
      if (fault?.retryAfterSeconds !== undefined) response.setHeader('retry-after', fault.retryAfterSeconds);
      const failure =
        error instanceof ApiFailure ? error : new ApiFailure(500, 'InternalError', String(error));
      if (!response.headersSent)
        response
          .writeHead(failure.code, { 'content-type': 'application/json' })
          .end(JSON.stringify(failure.body));
      if (failure !== error) throw error; // a defect of the double
    }
  }
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
