import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hasBody } from '../../../packager/server/http/body.ts';
import { parseHostName } from './host-name.ts';
import { type AdminArea, refusalOf } from './refusal.ts';

export interface AdminGuardOptions {
  /** Names of this gateway beside loopback names; undefined where a login is asked for: then any will do. */
  readonly hostNames: readonly string[] | undefined;
}

/**
 * What browsers say of the page that a request comes from, and the name that it was sent to. A gateway that
 * passes requests on has judged these headers, and does not send them along: they are about this gateway
 * alone.
 */
export const JUDGED_HEADERS: readonly string[] = ['host', 'origin', 'sec-fetch-site'];

/**
 * Keeps web pages from administering functions through the browser of somebody who can. Has to be called
 * before requests are passed on, and before routes are added.
 */
export function guardAdminRoutes(app: FastifyInstance, { hostNames }: AdminGuardOptions): void {
  const rules = {
    hostNames: hostNames && new Set(hostNames.flatMap((text) => parseHostName(text) ?? [])),
  };
  app.addHook('onRequest', async (request) => {
    const area = areaOf(request);
    if (area === undefined) return;
    const { raw } = request;
    const refusal = refusalOf(
      {
        area,
        host: /^https?:\/\/([^/?#]*)/i.exec(request.url)?.[1] ?? headerOf(request, 'host'), // RFC 9112, 3.2.2
        origin: headerOf(request, 'origin'),
        fetchSite: headerOf(request, 'sec-fetch-site'),
        contentType: headerOf(request, 'content-type'),
        hasBody: hasBody(raw),
        localAddress: raw.socket.localAddress,
      },
      rules,
    );
    if (refusal !== undefined) throw refusal;
  });
}

/** By its route, where it has one: the router decodes paths before it looks. */
function areaOf({ routeOptions, url }: FastifyRequest): AdminArea | undefined {
  return /^\/(api|system)(?=[/?]|$)/.exec(routeOptions.url ?? url)?.[1] as AdminArea | undefined;
}

/**
 * All of one name, as sent: Node.js may keep only the first, and our server drops a malformed Content-Type.
 */
function headerOf({ raw }: FastifyRequest, name: string): string | undefined {
  return raw.headersDistinct[name]?.join(', ');
}
