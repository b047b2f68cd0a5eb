import type { FastifyInstance } from 'fastify';
import type { Instance } from '../instance.ts';
import { HEALTH_PATH, READY_PATH } from '../instance-protocol.ts';

/**
 * Health, readiness and metrics: answered whatever the inference thread is doing.
 *
 * @param onReadyAsked called when somebody asks whether we are ready
 */
export function operationsRoutes(app: FastifyInstance, instance: Instance, onReadyAsked: () => void): void {
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
