import { arch } from 'node:os';
import type { FastifyInstance } from 'fastify';
import { packageVersion } from '../../../models/base/package.ts';
import { HttpError } from '../../../packager/server/http/http-error.ts';
import type { OpenFaasParts } from './parts.ts';

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
