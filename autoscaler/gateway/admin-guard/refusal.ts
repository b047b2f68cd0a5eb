import { HttpError } from '../../../packager/server/http/http-error.ts';
import { hostNameOf, isLoopbackName, isSameAddress } from './host-name.ts';

/** The two interfaces that administer functions: ours and OpenFaaS'. */
export type AdminArea = 'api' | 'system';

/** What a request tells of its sender. Headers are as sent; several of one name are joined by commas. */
export interface AdminRequest {
  readonly area: AdminArea;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`: set by browsers, and by no page. */
  readonly fetchSite: string | undefined;
  readonly contentType: string | undefined;
  readonly hasBody: boolean;
  /** The address of ours that the connection came in at. */
  readonly localAddress: string | undefined;
}

export interface AdminGuardRules {
  /**
   * Names of this gateway beside loopback names and the addresses that it listens on, as {@link hostNameOf}
   * gives them; undefined where a login is asked for.
   */
  readonly hostNames: ReadonlySet<string> | undefined;
}

/**
 * Why a request may not administer functions, as far as that can be seen without credentials; undefined where
 * it may.
 *
 * A browser lets a page of any site send requests to this machine. The headers that a browser adds give these
 * away. A page whose name was made to stand for an address of ours (DNS rebinding) is of the same origin, but
 * its name is not ours. A browser that adds no such header at least asks first before it sends JSON for
 * another origin.
 */
export function refusalOf(request: AdminRequest, rules: AdminGuardRules): HttpError | undefined {
  return originRefusal(request) ?? hostRefusal(request, rules) ?? contentTypeRefusal(request);
}

function originRefusal({ origin, fetchSite, host }: AdminRequest): HttpError | undefined {
  const isForeign = origin !== undefined && !isOriginOf(host, origin);
  if (!isForeign && (fetchSite === undefined || OWN_SITES.has(fetchSite))) return undefined;
  const page = isForeign ? `of another origin (${origin})` : 'of another origin';
  return new HttpError(
    403,
    `This request comes from a web page ${page}, which may not administer functions. Send it from a program, such as curl or faas-cli.`,
  );
}

/** What browsers say of requests that a page of ours makes, and of those that no page makes. */
const OWN_SITES: ReadonlySet<string> = new Set(['same-origin', 'none']);

/** Whether a page of this origin was loaded from the host that is asked now. TLS may end in front of us. */
function isOriginOf(host: string | undefined, origin: string): boolean {
  if (host === undefined || hostNameOf(host) === undefined) return false;
  return ['http', 'https'].some((scheme) => new URL(`${scheme}://${host}`).origin === origin.toLowerCase());
}

/** Without `Host`, which HTTP/1.0 allows, it is no browser's request. */
function hostRefusal({ host, localAddress }: AdminRequest, rules: AdminGuardRules): HttpError | undefined {
  if (host === undefined || rules.hostNames === undefined) return undefined;
  const name = hostNameOf(host);
  if (name !== undefined && isOurs(name, localAddress, rules.hostNames)) return undefined;
  return new HttpError(
    421,
    `"${name ?? host}" is no name of this gateway, as far as it knows. Use localhost or the address given with --host, ` +
      `start it with --allow-host ${name ?? 'NAME'}, or ask for a login (--basic-auth-dir): then any name will do.`,
  );
}

/** An address in `Host` can be trusted: unlike a name, it cannot be made to stand for another machine. */
function isOurs(name: string, localAddress: string | undefined, hostNames: ReadonlySet<string>): boolean {
  if (isLoopbackName(name) || hostNames.has(name)) return true;
  return localAddress !== undefined && isSameAddress(name, localAddress);
}

function contentTypeRefusal({ area, hasBody, contentType }: AdminRequest): HttpError | undefined {
  if (!hasBody || (contentType !== undefined && IS_JSON.test(contentType))) return undefined;
  const isNone = contentType === undefined || contentType.trim() === '';
  if (isNone && area === 'system') return undefined; // as OpenFaaS' clients send it
  return new HttpError(
    415,
    `The body must be application/json, and ${isNone ? 'no Content-Type says so' : `is ${contentType}`}. Send JSON, with the header "Content-Type: application/json".`,
  );
}

/** Without a comma, which would begin another type. */
const IS_JSON = /^\s*application\/json\s*(?:;[^,]*)?$/i;
