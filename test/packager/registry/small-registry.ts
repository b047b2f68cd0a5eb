import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a fault may do with a request: answer it (`true`), or let it be served after all (`false`). */
export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | undefined | Promise<boolean>;

/**
 * A registry in memory that keeps to the distribution specification, resumed uploads and the referrers
 * interface included, until a fault is put into it.
 */
export class SmallRegistry {
  readonly host: string;
  /** `PUT /v2/m/manifests/v1`, as they came. */
  readonly requests: string[] = [];
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { type: string; bytes: Buffer }>();
  readonly uploads = new Map<string, Buffer>();
  readonly #fault: Fault;
  readonly #server: Server;

  private constructor(server: Server, fault: Fault) {
    this.#server = server;
    this.#fault = fault;
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      response.on('error', () => {});
      void this.#answer(request, response).catch(() => response.destroy()); // the client broke off
    });
  }

  static async start(fault: Fault = () => false): Promise<SmallRegistry> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const registry = new SmallRegistry(server, fault);
    onTestFinished(() => registry.stop());
    return registry;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${this.host}`);
    this.requests.push(`${request.method} ${url.pathname}`);
    if (await this.#fault(request, response)) return;
    const [, repository, kind, name = ''] =
      /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    if (kind === 'blobs/uploads') await this.#upload(request, response, url, name);
    else if (kind === 'blobs') this.#blob(request, response, name);
    else if (kind === 'manifests')
      await this.#manifest(request, response, `${repository}:${name}`, repository!);
    else if (kind === 'referrers') this.#referrers(response, name);
    else refuse(response, 404, 'NAME_UNKNOWN');
  }

  async #upload(request: IncomingMessage, response: ServerResponse, url: URL, id: string): Promise<void> {
    const mount = url.searchParams.get('mount');
    if (request.method === 'POST') {
      if (mount !== null && this.blobs.has(mount)) {
        response.writeHead(201, { location: `/v2/${mount}` }).end();
        return;
      }
      const fresh = randomUUID();
      this.uploads.set(fresh, Buffer.alloc(0));
      // relative to the request, as the specification allows
      response.writeHead(202, { location: fresh }).end();
      return;
    }
    if (!this.uploads.has(id)) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN');
    if (request.method === 'DELETE') {
      this.uploads.delete(id);
      response.writeHead(204).end();
      return;
    }
    const from = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
    if (from !== undefined && Number(from) !== this.uploads.get(id)!.byteLength) {
      return refuse(response, 416, 'RANGE_INVALID');
    }
    for await (const chunk of request as AsyncIterable<Buffer>) {
      this.uploads.set(id, Buffer.concat([this.uploads.get(id)!, chunk]));
    }
    const bytes = this.uploads.get(id)!;
    if (request.method !== 'PUT') {
      response.writeHead(request.method === 'GET' ? 204 : 202, {
        location: url.pathname,
        range: `0-${Math.max(0, bytes.byteLength - 1)}`,
      });
      response.end();
      return;
    }
    const digest = url.searchParams.get('digest');
    if (digestOf(bytes) !== digest)
      return refuse(response, 400, 'DIGEST_INVALID', 'other content than announced');
    this.blobs.set(digest, bytes);
    this.uploads.delete(id);
    response.writeHead(201).end();
  }

  #blob(request: IncomingMessage, response: ServerResponse, digest: string): void {
    const bytes = this.blobs.get(digest);
    if (!bytes) {
      refuse(response, 404, 'BLOB_UNKNOWN');
      return;
    }
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = bytes.subarray(from);
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': part.byteLength });
    response.end(request.method === 'HEAD' ? undefined : part);
  }

  async #manifest(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    repository: string,
  ): Promise<void> {
    if (request.method === 'PUT') {
      const bytes = Buffer.concat(await request.toArray());
      const manifest = { type: request.headers['content-type'] ?? '', bytes };
      this.manifests.set(name, manifest).set(`${repository}:${digestOf(bytes)}`, manifest);
      const subject = (JSON.parse(bytes.toString()) as { subject?: { digest: string } }).subject?.digest;
      response.writeHead(201, subject === undefined ? {} : { 'oci-subject': subject }).end();
      return;
    }
    const manifest = this.manifests.get(name);
    if (!manifest) return refuse(response, 404, 'MANIFEST_UNKNOWN');
    response.writeHead(200, {
      'content-type': manifest.type,
      'content-length': manifest.bytes.byteLength,
      'docker-content-digest': digestOf(manifest.bytes),
    });
    response.end(request.method === 'HEAD' ? undefined : manifest.bytes);
  }

  #referrers(response: ServerResponse, subject: string): void {
    const manifests = new Map<string, object>();
    for (const { type, bytes } of this.manifests.values()) {
      const { subject: about, artifactType } = JSON.parse(bytes.toString()) as {
        subject?: { digest: string };
        artifactType?: string;
      };
      if (about?.digest !== subject) continue;
      const digest = digestOf(bytes);
      manifests.set(digest, { mediaType: type, digest, size: bytes.byteLength, artifactType });
    }
    response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' });
    response.end(JSON.stringify({ schemaVersion: 2, manifests: [...manifests.values()] }));
  }
}

export function refuse(response: ServerResponse, status: number, code: string, message = ''): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
