import type { FastifyRequest } from 'fastify';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { bodyBytes } from '../../packager/server/http/http-server.ts';

/**
 * What the client sent; which types it may give, the guard of these routes has decided.
 *
 * @throws InflessError INVALID_INPUT for what is no JSON
 */
export function jsonBody(request: FastifyRequest, remedy: string): unknown {
  try {
    return JSON.parse(Buffer.from(bodyBytes(request)).toString('utf8'));
  } catch (error) {
    throw new InflessError('INVALID_INPUT', `The body is not valid JSON (${messageOf(error)})`, { remedy });
  }
}
