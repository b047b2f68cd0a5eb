import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Instance } from '../instance.ts';
import { type Body, readBody } from './body.ts';
import { onClientError } from './client-error.ts';
import { errorAnswer } from './http-error.ts';
import { lingering } from './lingering.ts';
import { operationsRoutes } from './operations-routes.ts';
import { predictionRoutes, refuse } from './prediction-routes.ts';

/** Time to send a whole request in: 32 MiB at 5 Mbit/s. Slower senders would hold memory for too long. */
const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 15_000;
/** Above the 60 s after which load balancers drop idle connections, so that we never close one they still use. */
const KEEP_ALIVE_MS = 72_000;

export interface AppOptions {
  readonly instance: Instance;
  readonly logger: Logger;
  /** Somebody asked whether we are ready: we have an owner. */
  readonly onReadyAsked: () => void;
  readonly requestTimeoutMs?: number;
}

/** The HTTP face of a serving process. It moves bytes; what they mean is known to the inference thread. */
export function createApp(options: AppOptions): FastifyInstance {
  const { instance, logger } = options;
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const app = fastify({
    bodyLimit: instance.settings.maxBodyBytes,
    requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeout),
      connectionsCheckingInterval: Math.min(5000, requestTimeout / 2),
    },
    return503OnClosing: false, // the drain decides, in our words
    clientErrorHandler: onClientError,
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
  });

  async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
    const { status, headers, body, isDefect } = errorAnswer(error);
    if (isDefect) logger.error({ err: error, method: request.method, url: request.url }, 'request failed');
    reply.code(status).headers(headers).type('application/json');
    closeWhenDraining(reply);
    if (reply.getHeader('connection') !== 'close' || request.raw.complete) return reply.send(body);
    reply.header('content-length', Buffer.byteLength(body));
    return reply.send(lingering(body, request.raw));
  }

  function closeWhenDraining(reply: FastifyReply): void {
    if (instance.phase === 'draining') reply.header('connection', 'close');
  }

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    readBody(payload, request.routeOptions.bodyLimit ?? instance.settings.maxBodyBytes, instance.budget),
  );
  app.addHook('onRequest', async (request, reply) => {
    // A body is JSON whatever it is called; only a name that is no media type at all would be refused.
    if (request.mediaType === undefined) delete request.headers['content-type'];
    reply.raw.once('close', () => (request.body as Body | undefined)?.release());
  });
  app.addHook('onSend', async (_request, reply) => closeWhenDraining(reply));
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request) => refuse(app, request, instance.modelName));
  app.server.on('checkContinue', (request, response) => {
    // Without "100 Continue" a client that asks first never sends a body we would refuse.
    if (!(Number(request.headers['content-length']) > instance.settings.maxBodyBytes))
      response.writeContinue();
    app.server.emit('request', request, response);
  });
  operationsRoutes(app, options);
  predictionRoutes(app, instance);
  return app;
}
