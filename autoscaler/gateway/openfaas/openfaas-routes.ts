import type { FastifyInstance } from 'fastify';
import { openFaasFunctionRoutes } from './function-routes.ts';
import { openFaasInfoRoutes } from './info-routes.ts';
import { openFaasLogRoutes } from './log-routes.ts';
import type { OpenFaasParts } from './parts.ts';
import { openFaasSecretRoutes } from './secret-routes.ts';

/** What `faas-cli` and OpenFaaS' own parts ask of a gateway, below `/system`. Errors are plain text: they print them. */
export function openFaasRoutes(app: FastifyInstance, parts: OpenFaasParts): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, plainErrors: true };
  });
  openFaasInfoRoutes(app, parts);
  openFaasFunctionRoutes(app, parts);
  openFaasSecretRoutes(app, parts);
  openFaasLogRoutes(app, parts);
}
