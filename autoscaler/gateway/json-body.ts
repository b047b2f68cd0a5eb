import type { FastifyRequest } from 'fastify';
import { parseJson } from '../../models/base/schema.ts';
import { bodyBytes } from '../../packager/server/http/http-server.ts';

/**
 * What the client sent; which types it may give, the guard of these routes has decided.
 *
 * @throws InflessError INVALID_INPUT for what is no JSON
 */
export function jsonBody(request: FastifyRequest, remedy: string): unknown {
  return parseJson(Buffer.from(bodyBytes(request)).toString('utf8'), { what: 'The body', remedy });
}
