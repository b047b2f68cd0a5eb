import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createHttpServer } from '../http/http-server.ts';
import type { Instance } from '../instance.ts';
import { operationsRoutes } from './operations-routes.ts';
import { protocolRoutes, refuse } from './protocol-routes.ts';

export interface AppOptions {
  readonly instance: Instance;
  readonly logger: Logger;
  /** Somebody asked whether we are ready: we have an owner. */
  readonly onReadyAsked: () => void;
  readonly requestTimeoutMs?: number;
}

/** The HTTP face of a serving process. It moves bytes; what they mean is known to the inference thread. */
export function createApp(options: AppOptions): FastifyInstance {
  const { instance, logger, onReadyAsked, requestTimeoutMs } = options;
  const app = createHttpServer({
    maxBodyBytes: instance.settings.maxBodyBytes,
    budget: instance.budget,
    logger,
    isClosing: () => instance.phase === 'draining',
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  });
  app.setNotFoundHandler((request) => refuse(app, request, instance.modelName));
  operationsRoutes(app, instance, onReadyAsked);
  protocolRoutes(app, instance);
  return app;
}
