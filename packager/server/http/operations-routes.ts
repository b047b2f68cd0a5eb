import type { FastifyInstance } from 'fastify';
import { HEALTH_PATH, READY_PATH } from '../instance-protocol.ts';
import type { AppOptions } from './app.ts';

/** Health, readiness and metrics: answered whatever the inference thread is doing. */
export function operationsRoutes(app: FastifyInstance, { instance, onReadyAsked }: AppOptions): void {
  for (const path of [HEALTH_PATH, '/healthz']) app.get(path, () => ({ status: 'ok' }));

  app.get(READY_PATH, () => {
    onReadyAsked();
    return instance.readyReport();
  });

  app.get('/metrics', async (_request, reply) => {
    const { registry } = instance.metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
