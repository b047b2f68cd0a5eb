import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseWith } from '../../../models/base/schema.ts';
import { jsonBody } from '../json-body.ts';
import { checkNamespace, type OpenFaasParts } from './parts.ts';

const secretSchema = z.object({
  name: z.string().min(1),
  namespace: z.string().nullish(),
  value: z.string().nullish(),
  /** Base64, for bytes that are no text. */
  rawValue: z.base64().nullish(),
});
type Secret = z.output<typeof secretSchema>;

interface Asked {
  readonly Querystring: { readonly namespace?: string };
}

/** A secret of 1 MiB, in base64. */
const SIZED = { bodyLimit: 2 << 20 };

/** Secrets created, replaced, listed and removed; what they hold is never told. */
export function openFaasSecretRoutes(app: FastifyInstance, { secrets, namespace }: OpenFaasParts): void {
  function secretIn(request: FastifyRequest): Secret {
    const body = jsonBody(request, 'Send JSON as faas-cli does.');
    const secret = parseWith(secretSchema, body, { what: 'The secret' });
    checkNamespace(secret.namespace, namespace);
    return secret;
  }

  app.get<Asked>('/system/secrets', async ({ query }) => {
    checkNamespace(query.namespace, namespace);
    return (await secrets.list()).map((name) => ({ name, namespace }));
  });
  app.post('/system/secrets', SIZED, async (request, reply) => {
    const secret = secretIn(request);
    await secrets.create(secret.name, bytesOf(secret));
    return reply.code(202).send();
  });
  app.put('/system/secrets', SIZED, async (request, reply) => {
    const secret = secretIn(request);
    await secrets.replace(secret.name, bytesOf(secret));
    return reply.code(202).send();
  });
  app.delete('/system/secrets', async (request, reply) => {
    await secrets.remove(secretIn(request).name);
    return reply.code(202).send();
  });
}

function bytesOf({ value, rawValue }: Secret): Uint8Array {
  return value ? Buffer.from(value, 'utf8') : Buffer.from(rawValue ?? '', 'base64');
}
