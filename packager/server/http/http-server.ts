import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { InflessError, messageOf, systemCode } from '../../../models/base/errors.ts';
import type { Refusal, Route } from '../../../models/protocols/index.ts';
import { jsonError, type Message } from '../../../models/protocols/protocol.ts';
import { type Body, type BodyBudget, readBody } from './body.ts';
import { onClientError } from './client-error.ts';
import { deferContinue, isBodyUnasked } from './expectations.ts';
import { errorAnswer } from './http-error.ts';
import { lingering } from './lingering.ts';

/** Time to send a whole request in: 32 MiB at 5 Mbit/s. Slower senders would hold memory for too long. */
const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 15_000;
/**
 * Above the 60 s after which load balancers drop idle connections, so that we never close one they still use.
 */
const KEEP_ALIVE_MS = 72_000;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Errors of this route are told as plain text: its clients print what they get. */
    readonly plainErrors?: boolean;
  }
  interface FastifyRequest {
    /** What is asked for by which protocol, once somebody has looked: errors are told in its way. */
    inferenceRoute: Route | Refusal | null;
  }
}

export interface HttpServerOptions {
  /** Largest body of a request, unless its route says otherwise. */
  readonly maxBodyBytes: number;
  /** All bodies held at a time. */
  readonly budget: BodyBudget;
  readonly logger: Logger;
  /** Whether connections must be closed after their answer, because the process is going. */
  readonly isClosing: () => boolean;
  readonly requestTimeoutMs?: number;
}

/**
 * An HTTP server that moves bytes, for gateway and instances alike: bodies of any content type arrive as
 * bytes within limits, whatever is thrown is answered as its protocol tells errors, or as `{"error": "…"}`,
 * and slow or broken clients cost little.
 */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { maxBodyBytes, budget, logger, isClosing } = options;
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const app = fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeout),
      connectionsCheckingInterval: Math.min(5000, requestTimeout / 2),
    },
    return503OnClosing: false, // the owner decides, in our words
    clientErrorHandler: onClientError,
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
  });

  async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
    const { status, headers, sentence, isDefect } = errorAnswer(error);
    const isPlain = request.routeOptions.config?.plainErrors === true;
    const { contentType, body } = isPlain
      ? plainError(sentence)
      : (request.inferenceRoute?.protocol?.error ?? jsonError)({ status, sentence });
    if (isDefect) logger.error({ err: error, method: request.method, url: request.url }, 'request failed');
    reply.code(status).headers(headers).type(contentType);
    if (isBodyUnasked(request.raw)) reply.header('connection', 'close');
    closeIfClosing(reply);
    if (reply.getHeader('connection') !== 'close' || request.raw.complete) return reply.send(asBuffer(body));
    reply.header('content-length', body.byteLength);
    return reply.send(lingering(body, request.raw));
  }

  function closeIfClosing(reply: FastifyReply): void {
    if (isClosing()) reply.header('connection', 'close');
  }

  app.decorateRequest('inferenceRoute', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    readBody(payload, request.routeOptions.bodyLimit ?? maxBodyBytes, budget),
  );
  app.addHook('onRequest', async (request, reply) => {
    // A body is JSON whatever it is called; only a name that is no media type at all would be refused.
    if (request.mediaType === undefined) delete request.headers['content-type'];
    reply.raw.once('close', () => (request.body as Body | undefined)?.release());
  });
  app.addHook('onSend', async (_request, reply) => closeIfClosing(reply));
  app.setErrorHandler(sendError);
  deferContinue(app.server);
  return app;
}

function plainError(sentence: string): Message {
  return { contentType: 'text/plain; charset=utf-8', body: new TextEncoder().encode(`${sentence}\n`) };
}

/** What the client sent; empty without a body. */
export function bodyBytes(request: FastifyRequest): Uint8Array {
  return (request.body as Body | undefined)?.bytes ?? new Uint8Array(0);
}

/** Bytes as fastify sends them without touching them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * What it means that a server cannot listen.
 *
 * @param remedies where the port is taken, and where the address cannot be had
 */
export function listenError(
  error: unknown,
  host: string,
  port: number,
  remedies: { readonly taken: string; readonly refused: string },
): InflessError {
  if (systemCode(error) === 'EADDRINUSE') {
    return new InflessError('ADDRESS_IN_USE', `Port ${port} on ${host} is taken`, {
      remedy: remedies.taken,
      cause: error,
    });
  }
  return new InflessError(
    'INVALID_INPUT',
    `Cannot listen on ${host}:${port} (${systemCode(error) ?? messageOf(error)})`,
    { remedy: remedies.refused, cause: error },
  );
}
