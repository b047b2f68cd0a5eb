import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseWith } from '../../../models/base/schema.ts';
import type { LogLine } from '../../fleet/platform.ts';
import { functionNotFound } from '../../functions/registry.ts';
import { declaredFunction } from './function-status.ts';
import { checkNamespace, type OpenFaasParts } from './parts.ts';

const logRequestSchema = z.object({
  name: z.string().min(1),
  namespace: z.string().optional(),
  instance: z.string().optional(),
  since: z.iso.datetime({ offset: true }).transform(Date.parse).optional(),
  /** Zero or less stands for all of them. */
  tail: z
    .string()
    .regex(/^-?\d+$/, 'must be a number')
    .transform(Number)
    .optional(),
  follow: z.enum(['true', 'false', '1', '0', '']).optional(),
});

/** `/system/logs`: what a function's instances print, one JSON object a line. */
export function openFaasLogRoutes(app: FastifyInstance, parts: OpenFaasParts): void {
  const { platform, namespace } = parts;
  const following = new Set<AbortController>();
  app.addHook('preClose', async () => {
    for (const stop of following) stop.abort(); // who follows would keep the server open for ever
  });

  app.get('/system/logs', async (request, reply) => {
    const asked = parseWith(logRequestSchema, request.query, { what: 'The request for logs' });
    const { name, instance, since, tail = 0, follow } = asked;
    checkNamespace(asked.namespace, namespace);
    if (declaredFunction(name, parts) === undefined) throw functionNotFound(name);
    const stop = new AbortController();
    following.add(stop);
    reply.raw.once('close', () => {
      following.delete(stop);
      stop.abort();
    });
    const follows = follow === 'true' || follow === '1';
    if (follows) reply.header('connection', 'close'); // or it would be kept although the server ends
    const lines = platform.logs(name, {
      follow: follows,
      signal: stop.signal,
      ...(tail > 0 ? { tailLines: tail } : {}),
      ...(since === undefined ? {} : { sinceMs: since }),
    });
    async function* body(): AsyncGenerator<string> {
      reply.raw.flushHeaders(); // who follows must know that it works before there is a line
      for await (const line of lines) {
        if (instance === undefined || instance === line.instanceId) yield message({ name, namespace }, line);
      }
    }
    return reply.type('application/x-ndjson').send(Readable.from(body()));
  });
}

function message(
  of: { readonly name: string; readonly namespace: string },
  { instanceId, timestampMs, text }: LogLine,
): string {
  const timestamp = new Date(timestampMs).toISOString();
  return `${JSON.stringify({ ...of, instance: instanceId, timestamp, text })}\n`;
}
