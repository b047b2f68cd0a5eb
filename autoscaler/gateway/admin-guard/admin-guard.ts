import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hasBody } from '../../../packager/server/http/body.ts';
import { parseHostName } from './host-name.ts';
import { type AdminArea, refusalOf } from './refusal.ts';

export interface AdminGuardOptions {
  /** Names by which this gateway is known beside loopback names; undefined where a login is asked for, which needs none. */
  readonly hostNames: readonly string[] | undefined;
}

/**
 * What browsers say of the page that a request comes from, and the name that it was sent to. They are about this gateway:
 * one that passes requests on has judged them, and sends none of them along.
 */
export const JUDGED_HEADERS: readonly string[] = ['host', 'origin', 'sec-fetch-site'];

/**
 * Keeps web pages from administering functions through the browser of somebody who can. Has to be called before
 * requests are passed on, and before routes are added.
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

/** All of one name, as they came: of some, Node.js keeps the first, and of a type that is none we keep nothing. */
function headerOf({ raw }: FastifyRequest, name: string): string | undefined {
  return raw.headersDistinct[name]?.join(', ');
}
