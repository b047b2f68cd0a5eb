import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asBuffer, bodyBytes } from '../../packager/server/http/http-server.ts';
import { modelMetadata, modelStatus } from '../../packager/server/http/model-status.ts';
import { modelCall } from '../../packager/server/model-path.ts';
import type { ManagedFunction } from '../control/managed-function.ts';
import { type FunctionRegistry, notServed } from '../functions/registry.ts';
import { unqualifiedName } from './function-address.ts';
import { Invocation, type InvocationParts } from './invocation.ts';

/** nginx' number for a client that hung up before its answer; only metrics ever see it. */
const CLIENT_CLOSED = 499;

export interface FunctionRouteParts extends InvocationParts {
  /** Knows why a function that is declared is not deployed. */
  readonly registry: Pick<FunctionRegistry, 'broken'>;
  /** Functions are found as `NAME` and as `NAME.NAMESPACE`. */
  readonly namespace: string;
}

interface FunctionCall {
  readonly managed: ManagedFunction;
  /** Path below the function, as its instances know it. */
  readonly path: string;
  readonly call: ReturnType<typeof modelCall>;
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

/**
 * The functions themselves: `/function/NAME`, TF Serving's paths below it, and the same paths at the top, where the
 * model's name is the function's. What is known without running the model is answered here, so that asking for
 * the signature wakes nobody.
 */
export function functionRoutes(app: FastifyInstance, parts: FunctionRouteParts): void {
  app.decorateRequest('functionCall', null);
  const routes = [
    { prefix: '/function', url: '/function/:name' },
    { prefix: '/function', url: '/function/:name/*' },
    { prefix: '', url: '/v1/models/*' },
  ];
  for (const { prefix, url } of routes) {
    app.route({
      method: METHODS,
      url,
      onRequest: (request, reply) => admit(request, reply, parts, prefix),
      handler: answer,
    });
  }
}

/** Before the body is read: is there such a function, is this a call it knows; its deadline counts from here. */
async function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: FunctionRouteParts,
  prefix: string,
): Promise<void> {
  const { name, path } =
    prefix === '' ? modelTarget(request.url) : functionTarget(request.url, prefix, parts.namespace);
  const managed = parts.controller.find(name);
  if (managed === undefined) throw notServed(name, parts.registry);
  const call = modelCall(request.method, path, name);
  request.functionCall = { managed, path, call };
  if (call !== 'predict') return;

  const invocation = new Invocation(managed, parts);
  request.functionCall = { managed, path, call, invocation };
  reply.headers(callHeaders(request, invocation.arrivalMs));
  reply.raw.once('close', () => {
    invocation.ended(reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED);
  });
}

/** What OpenFaaS' gateway says of every call. */
export function callHeaders(request: FastifyRequest, arrivalMs: number): OutgoingHttpHeaders {
  return {
    'x-call-id': request.headers['x-call-id'] ?? randomUUID(),
    'x-start-time': String(Math.round(arrivalMs * 1e6)),
  };
}

async function answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { managed, path, call, invocation } = request.functionCall!;
  const { manifest } = managed.deployment.model;
  if (call === 'status') return modelStatus('AVAILABLE');
  if (call === 'metadata') return modelMetadata(managed.name, manifest);
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  const contentType = request.headers['content-type'] ?? 'application/json';
  const response = await invocation!.submit({ path, contentType, body: bodyBytes(request) }, gone.signal);
  reply.header('x-duration-seconds', invocation!.durationSeconds);
  return reply.code(response.status).type(response.contentType).send(asBuffer(response.body));
}

interface Target {
  readonly name: string;
  readonly path: string;
}

/** `/function/NAME[.NAMESPACE][/path][?query]`: the path below the name is what the function sees. */
export function functionTarget(url: string, prefix: string, namespace: string): Target {
  const [address = '', ...rest] = url
    .slice(prefix.length + 1)
    .split('?', 1)[0]!
    .split('/');
  return { name: unqualifiedName(decode(address), namespace), path: `/${rest.join('/')}` };
}

/** `/v1/models/NAME…`: the whole path is what the function sees. */
function modelTarget(url: string): Target {
  const path = url.split('?', 1)[0]!;
  const match = /^\/v1\/models\/([^/:]*)/.exec(path)!;
  return { name: decode(match[1]!), path };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no valid percent-encoding: then it is no name of ours, and the message shows it as sent
  }
}
