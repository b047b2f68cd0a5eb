import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { applyPatch, type Operation } from 'rfc6902';
import { parse as parseYaml } from 'yaml';
import { APPLY_PATCH, type ApiObject, JSON_PATCH, MERGE_PATCH } from '../api-requests.ts';
import { ApiFailure, badRequest } from './api-failure.ts';
import { discovery } from './discovery.ts';
import { Listing, matcherOf } from './listing.ts';
import { mergePatched } from './merge-patch.ts';
import type { ObjectStore } from './object-store.ts';
import type { PodLogs } from './pod-logs.ts';
import { KnownTypes, type RequestTarget } from './request-target.ts';
import { storageKey } from './resource-types.ts';
import { type DeleteOptions, Resources, type Write } from './resources.ts';
import { scaled, scaleOf } from './scale.ts';
import { WatchStream } from './watch-stream.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Reply {
  readonly status: number;
  readonly body: object | string;
}

/** From a request's method, path and body to what is done with objects. */
export class RequestHandler {
  readonly #store: ObjectStore;
  readonly #types: KnownTypes;
  readonly #resources: Resources;
  readonly #listing: Listing;
  readonly #logs: PodLogs;
  readonly #watches = new Set<WatchStream>();

  constructor(store: ObjectStore, logs: PodLogs) {
    this.#store = store;
    this.#types = new KnownTypes(store);
    this.#resources = new Resources(store);
    this.#listing = new Listing(store);
    this.#logs = logs;
  }

  /** @throws ApiFailure */
  handle(request: ApiRequest, response: ServerResponse): void {
    const { method, path, query } = request;
    const told = method === 'GET' ? discovery(path, this.#types.all) : undefined;
    if (told !== undefined) {
      send(response, { status: 200, body: told });
      return;
    }
    const target = this.#types.target(path);
    const { name, namespace, subresource } = target;
    if (method === 'GET' && name === undefined && ['true', '1'].includes(query.get('watch') ?? '')) {
      this.#watch(response, target, query);
    } else if (subresource === 'log') {
      this.#resources.get(target, name!);
      this.#logs.answer(response, namespace!, name!, query);
    } else {
      send(response, name === undefined ? this.#ofAll(request, target) : this.#ofOne(request, target, name));
    }
  }

  dropWatches(): void {
    for (const watch of this.#watches) watch.break();
  }

  #watch(response: ServerResponse, target: RequestTarget, query: URLSearchParams): void {
    const watch = new WatchStream(response, this.#store, target, query);
    this.#watches.add(watch);
    response.once('close', () => this.#watches.delete(watch));
  }

  #ofAll(request: ApiRequest, target: RequestTarget): Reply {
    const { method, query } = request;
    if (method === 'GET') return ok(this.#listing.page(target, query));
    if (method === 'DELETE') {
      const found = this.#store.list(storageKey(target.type)).filter(matcherOf(target, query));
      const options = deleteOptions(request);
      for (const { metadata } of found)
        this.#resources.delete({ ...target, namespace: metadata.namespace }, metadata.name!, options);
      return ok({ kind: `${target.type.kind}List`, apiVersion: 'v1', metadata: {}, items: found });
    }
    if (method !== 'POST') throw notAllowed();
    const created = this.#resources.create(target, objectIn(request), writeOf(request, target));
    return { status: 201, body: created };
  }

  #ofOne(request: ApiRequest, target: RequestTarget, name: string): Reply {
    const { method } = request;
    const { subresource } = target;
    if (method === 'POST' && subresource === 'binding') {
      const { target: node } = objectIn(request) as unknown as { target: { name: string } };
      this.#resources.bind(target, name, node.name);
      return {
        status: 201,
        body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
      };
    }
    if (method === 'POST' && subresource === 'eviction') {
      const { deleteOptions: options = {} } = objectIn(request) as { deleteOptions?: DeleteOptions };
      this.#resources.delete(target, name, options);
      return {
        status: 201,
        body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
      };
    }
    if (subresource === 'scale') return this.#scale(request, target, name);
    if (method === 'GET') return ok(this.#resources.get(target, name));
    if (method === 'PUT')
      return ok(this.#resources.replace(target, name, objectIn(request), writeOf(request, target)));
    if (method === 'PATCH') return ok(this.#patch(request, target, name));
    if (method === 'DELETE') return ok(this.#resources.delete(target, name, deleteOptions(request)));
    throw notAllowed();
  }

  #patch(request: ApiRequest, target: RequestTarget, name: string): ApiObject {
    const contentType = request.headers['content-type']?.split(';', 1)[0];
    if (contentType !== APPLY_PATCH)
      return this.#resources.patch(target, name, (live) => patched(request, live), writeOf(request, target));
    if ((request.query.get('fieldManager') ?? '') === '')
      throw badRequest(
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    const write: Write = { ...writeOf(request, target), operation: 'Apply' };
    const object = parseYaml(request.body) as ApiObject;
    return this.#resources.apply(target, name, object, write, request.query.get('force') === 'true');
  }

  #scale(request: ApiRequest, target: RequestTarget, name: string): Reply {
    const { type } = target;
    if (request.method === 'GET') return ok(scaleOf(type, this.#resources.get(target, name)));
    const change = (live: ApiObject): ApiObject => {
      const scale = scaleOf(type, live);
      return scaled(type, live, request.method === 'PUT' ? objectIn(request) : patched(request, scale));
    };
    const write = { ...writeOf(request, target), subresource: '' };
    return ok(scaleOf(type, this.#resources.patch(target, name, change, write)));
  }
}

function ok(body: object): Reply {
  return { status: 200, body };
}

function send(response: ServerResponse, { status, body }: Reply): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json' });
  response.end(isText ? body : JSON.stringify(body));
}

function notAllowed(): ApiFailure {
  return new ApiFailure(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  );
}

function objectIn({ body }: ApiRequest): ApiObject {
  try {
    const object = JSON.parse(body) as ApiObject;
    return { ...object, metadata: object.metadata ?? {} };
  } catch {
    throw badRequest('the body of the request is not a JSON object');
  }
}

function patched({ headers, body }: ApiRequest, live: ApiObject): ApiObject {
  const contentType = headers['content-type']?.split(';', 1)[0];
  if (contentType === MERGE_PATCH) return mergePatched(live, JSON.parse(body)) as ApiObject;
  if (contentType !== JSON_PATCH)
    throw new ApiFailure(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${[JSON_PATCH, MERGE_PATCH, APPLY_PATCH].join(', ')}`,
    );
  const problem = applyPatch(live, JSON.parse(body) as Operation[]).find((each) => each !== null);
  if (problem === undefined) return live;
  throw new ApiFailure(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${problem.message}`,
  );
}

/** In the body or, without one, in the query. */
function deleteOptions({ body, query }: ApiRequest): DeleteOptions {
  const fromQuery = query.has('gracePeriodSeconds')
    ? { gracePeriodSeconds: Number(query.get('gracePeriodSeconds')) }
    : {};
  return body === '' ? fromQuery : { ...fromQuery, ...(JSON.parse(body) as DeleteOptions) };
}

function writeOf({ query, headers }: ApiRequest, { subresource }: RequestTarget): Write {
  const manager = query.get('fieldManager') ?? headers['user-agent']?.split('/', 1)[0] ?? 'unknown';
  return { manager, operation: 'Update', subresource };
}
