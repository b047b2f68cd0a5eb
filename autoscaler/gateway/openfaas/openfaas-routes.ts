import { arch } from 'node:os';
import type { FastifyInstance } from 'fastify';
import { packageVersion } from '../../../models/base/package.ts';
import { HttpError } from '../../../packager/server/http/http-error.ts';
import { openFaasFunctionRoutes } from './function-routes.ts';
import { openFaasLogRoutes } from './log-routes.ts';
import type { OpenFaasParts } from './parts.ts';
import { openFaasSecretRoutes } from './secret-routes.ts';

/**
 * What `faas-cli` and OpenFaaS' own parts ask of a gateway, below `/system`. Errors are plain text: they
 * print them.
 */
export function openFaasRoutes(app: FastifyInstance, parts: OpenFaasParts): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, plainErrors: true };
  });
  openFaasInfoRoutes(app, parts);
  openFaasFunctionRoutes(app, parts);
  openFaasSecretRoutes(app, parts);
  openFaasLogRoutes(app, parts);
}

/** Go's names for what Node.js calls otherwise. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** What we are, and the one namespace there is. */
export function openFaasInfoRoutes(app: FastifyInstance, { platform, namespace }: OpenFaasParts): void {
  /** faas-cli prints both parts of it, and falls over one that is not there. */
  const version = { sha: '', release: packageVersion };

  app.get('/system/info', () => ({
    arch: GO_ARCHITECTURES[arch()] ?? arch(),
    provider: { provider: 'infless', version, orchestration: platform.name },
    version,
  }));
  app.get('/system/namespaces', () => [namespace]);
  app.all('/system/namespace/*', () => {
    throw new HttpError(501, `Namespaces are not made here: functions are in "${namespace}".`);
  });
}
