import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  describe,
  forModel,
  headersThatCount,
  isPrediction,
  nothingAt,
  PROTOCOL_URLS,
  type Route,
  routeOf,
} from '../../models/protocols/index.ts';
import { decodeName } from '../../models/protocols/path-template.ts';
import { JSON_TYPE, type ServedModel } from '../../models/protocols/protocol.ts';
import { checkAnnounced } from '../../packager/server/http/body.ts';
import { CLIENT_CLOSED, HttpError } from '../../packager/server/http/http-error.ts';
import { asBuffer, bodyBytes } from '../../packager/server/http/http-server.ts';
import type { ManagedFunction } from '../control/managed-function.ts';
import type { ServedTimes } from '../dispatch/queued-request.ts';
import { type FunctionRegistry, notServed } from '../functions/registry.ts';
import { unqualifiedName } from './function-address.ts';
import { Invocation, type InvocationParts } from './invocation.ts';

export interface FunctionRouteParts extends InvocationParts {
  /** Knows why a function that is declared is not deployed. */
  readonly registry: Pick<FunctionRegistry, 'broken'>;
  /** Functions are found as `NAME` and as `NAME.NAMESPACE`. */
  readonly namespace: string;
}

interface FunctionCall {
  readonly route: Route;
  /** Path below the function, as its instances know it. */
  readonly path: string;
  /** The function that is asked for; undefined where all are. */
  readonly managed: ManagedFunction | undefined;
  /** Of a call that needs an instance. */
  readonly invocation?: Invocation;
}

declare module 'fastify' {
  interface FastifyRequest {
    functionCall: FunctionCall | null;
  }
}

/** All that OpenFaaS passes on: what a function does not take, is refused in its own words. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const PREFIX = '/function';
/** A request that has it is answered with the header `Server-Timing`. */
const TIMING_HEADER = 'x-infless-timing';

/**
 * The functions themselves: `/function/NAME`, the paths of all protocols below it, and the same paths at the
 * top, where the model's name is the function's. What is known without running the model is answered here, so
 * that asking for the signature wakes no one.
 */
export function functionRoutes(app: FastifyInstance, parts: FunctionRouteParts): void {
  app.decorateRequest('functionCall', null);
  const { namespace } = parts;
  const readers: [urls: readonly string[], read: (url: string) => Target][] = [
    [[`${PREFIX}/:name`, `${PREFIX}/:name/*`], (url) => functionTarget(url, PREFIX, namespace)],
    [PROTOCOL_URLS, (url) => ({ name: undefined, path: url.split('?', 1)[0]! })],
  ];
  for (const [urls, read] of readers) {
    for (const url of urls) {
      app.route({
        method: METHODS,
        url,
        onRequest: (request, reply) => admit(request, reply, parts, read(request.url)),
        handler: (request, reply) => answer(request, reply, parts),
      });
    }
  }
}

/**
 * Before the body is read: is there such a function, is this a call it knows; its deadline counts from here.
 */
async function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: FunctionRouteParts,
  { name: given, path }: Target,
): Promise<void> {
  const asked = routeOf(request.method, path);
  request.inferenceRoute = asked;
  const name = given ?? asked.model;
  const managed = name === undefined ? undefined : parts.controller.find(name);
  if (name !== undefined && managed === undefined) throw notServed(name, parts.registry);
  const route = forModel(name, asked);
  if ('refused' in route) throw HttpError.of(route);
  request.functionCall = { route, path, managed };
  if (!isPrediction(route)) return;
  if (managed === undefined) throw nothingHere(request);

  const invocation = new Invocation(managed, parts);
  request.functionCall = { route, path, managed, invocation };
  reply.headers(callHeaders(request, invocation.arrivalMs));
  reply.raw.once('close', () => {
    invocation.ended(reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED);
  });
  checkAnnounced(request.raw, request.routeOptions.bodyLimit!); // what is refused anyway starts no instance
  invocation.admit();
}

export function nothingHere({ method, url }: FastifyRequest): HttpError {
  return new HttpError(404, nothingAt(`${method} ${url.split('?', 1)[0]}`, `POST ${PREFIX}/NAME`));
}

/** What OpenFaaS' gateway says of every call. */
export function callHeaders(request: FastifyRequest, arrivalMs: number): OutgoingHttpHeaders {
  return {
    'x-call-id': request.headers['x-call-id'] ?? randomUUID(),
    'x-start-time': String(Math.round(arrivalMs * 1e6)),
  };
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { controller }: FunctionRouteParts,
): Promise<unknown> {
  const { route, path, managed, invocation } = request.functionCall!;
  if (invocation === undefined) {
    const asked = managed === undefined ? controller.functions : [managed];
    const { contentType, body } = describe(route, asked.map(served));
    return reply.type(contentType).send(asBuffer(body));
  }
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  const contentType = request.headers['content-type'] ?? JSON_TYPE;
  const onServed =
    TIMING_HEADER in request.headers
      ? (times: ServedTimes): void => void reply.header('server-timing', serverTiming(times))
      : undefined;
  const body = bodyBytes(request);
  const call = { path, contentType, ...headersThatCount(route, request.headers), body };
  const response = await invocation.submit(call, gone.signal, onServed);
  reply.header('x-duration-seconds', invocation.durationSeconds);
  reply
    .code(response.status)
    .type(response.contentType)
    .headers(response.headers ?? {});
  return reply.send(asBuffer(response.body));
}

/** Where the time of a request went, as browsers and tools read it (W3C Server Timing). */
function serverTiming({ queueMs, codecMs, executeMs, transferMs, requests }: ServedTimes): string {
  const parts = { queue: queueMs, execute: executeMs, codec: codecMs, transfer: transferMs };
  const durations = Object.entries(parts).map(([phase, tookMs]) => `${phase};dur=${tookMs.toFixed(2)}`);
  return [...durations, `requests;desc="${requests}"`].join(', ');
}

/** A function takes requests whether or not it has an instance at the moment. */
function served({ name, deployment }: ManagedFunction): ServedModel {
  return { name, state: 'ready', manifest: deployment.model.manifest };
}

interface Target {
  /** Undefined where the path has to tell. */
  readonly name: string | undefined;
  readonly path: string;
}

/** `/function/NAME[.NAMESPACE][/path][?query]`: the path below the name is what the function sees. */
export function functionTarget(
  url: string,
  prefix: string,
  namespace: string,
): Target & { readonly name: string } {
  const [address = '', ...rest] = url
    .slice(prefix.length + 1)
    .split('?', 1)[0]!
    .split('/');
  return { name: unqualifiedName(decodeName(address), namespace), path: `/${rest.join('/')}` };
}
