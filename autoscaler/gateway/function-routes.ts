import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../models/base/clock.ts';
import { asBuffer, bodyBytes } from '../../packager/server/http/http-server.ts';
import { modelMetadata, modelStatus } from '../../packager/server/http/model-status.ts';
import { modelCall } from '../../packager/server/model-path.ts';
import type { Controller } from '../control/controller.ts';
import { functionNotFound } from '../control/function-registry.ts';
import type { ManagedFunction } from '../control/managed-function.ts';
import type { GatewayMetrics } from './metrics.ts';

/** nginx' number for a client that hung up before its answer; only metrics ever see it. */
const CLIENT_CLOSED = 499;

export interface FunctionRouteParts {
  readonly controller: Controller;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
}

interface FunctionCall {
  readonly managed: ManagedFunction;
  /** Path below the function, as its instances know it. */
  readonly path: string;
  readonly call: ReturnType<typeof modelCall>;
  readonly arrivalMs: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    functionCall: FunctionCall | null;
  }
}

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
      method: ['GET', 'POST'],
      url,
      onRequest: (request, reply) => admit(request, reply, parts, prefix),
      handler: (request, reply) => answer(request, reply, parts.clock),
    });
  }
}

/** Before the body is read: is there such a function, is this a call it knows; its deadline counts from here. */
async function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  { controller, metrics, clock }: FunctionRouteParts,
  prefix: string,
): Promise<void> {
  const arrivalMs = clock.nowMs();
  const { name, path } = prefix === '' ? modelTarget(request.url) : functionTarget(request.url);
  const managed = controller.find(name);
  if (managed === undefined) throw functionNotFound(name);
  const call = modelCall(request.method, path, name);
  request.functionCall = { managed, path, call, arrivalMs };
  if (call !== 'predict') return;

  metrics.started(name);
  controller.observeArrival(managed);
  reply.header('x-call-id', request.headers['x-call-id'] ?? randomUUID());
  reply.header('x-start-time', String(Math.round(arrivalMs * 1e6)));
  reply.raw.once('close', () => {
    const code = reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED;
    const latencyMs = clock.nowMs() - arrivalMs;
    const answered = code < 400;
    const inTime = answered && latencyMs <= managed.deployment.spec.slo;
    metrics.answered(name, code, latencyMs, inTime);
    managed.latencies.record(answered ? latencyMs : Infinity);
  });
}

async function answer(request: FastifyRequest, reply: FastifyReply, clock: Clock): Promise<unknown> {
  const { managed, path, call, arrivalMs } = request.functionCall!;
  const { manifest } = managed.deployment.model;
  if (call === 'status') return modelStatus('AVAILABLE');
  if (call === 'metadata') return modelMetadata(managed.name, manifest);
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  const contentType = request.headers['content-type'] ?? 'application/json';
  const response = await managed.dispatcher.submit(
    { path, contentType, body: bodyBytes(request) },
    arrivalMs,
    gone.signal,
  );
  reply.header('x-duration-seconds', ((clock.nowMs() - arrivalMs) / 1000).toFixed(6));
  return reply.code(response.status).type(response.contentType).send(asBuffer(response.body));
}

interface Target {
  readonly name: string;
  readonly path: string;
}

/** `/function/NAME[/path][?query]`: the path below the name is what the function sees. */
function functionTarget(url: string): Target {
  const match = /^\/function\/([^/?]+)([^?]*)/.exec(url)!;
  return { name: decode(match[1]!), path: match[2] === '' ? '/' : match[2]! };
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
