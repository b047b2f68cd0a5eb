import { connect } from 'node:net';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { DEFAULT_PROTOCOL, PROTOCOLS } from '../../models/protocols/index.ts';
import { decodeName, fillPath, pathEndPattern, shortPath } from '../../models/protocols/path-template.ts';
import type { ModelAddress, Protocol } from '../../models/protocols/protocol.ts';

/** Where requests go, and where the model behind it describes its inputs. */
export interface Target {
  readonly url: URL;
  readonly protocol: Protocol;
  /** Both are undefined where the URL names no model. */
  readonly model: string | undefined;
  readonly metadataUrl: URL | undefined;
}
export type DescribedTarget = Target & { readonly metadataUrl: URL };

export function isDescribed(target: Target): target is DescribedTarget {
  return target.metadataUrl !== undefined;
}

/**
 * Understands `…/function/NAME`, and the path of a model or of its predictions in any protocol, like
 * `…/v1/models/NAME[:predict]`; any other URL is taken as it is.
 *
 * @param protocolName the protocol to speak; default: what the URL tells, else OpenFaaS' raw call
 * @throws InflessError INVALID_INPUT for what is not an HTTP URL, and for a URL that the protocol named
 * cannot do with
 */
export function parseTarget(text: string, protocolName?: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new InflessError('INVALID_INPUT', `"${text}" is not an HTTP URL`, {
      remedy: 'Write it in full, like http://127.0.0.1:8080/function/mobilenet.',
    });
  }
  const protocols = protocolName === undefined ? PROTOCOLS : [protocolNamed(protocolName)];
  const spoken = protocolName === undefined ? DEFAULT_PROTOCOL : protocols[0]!;
  return modelTarget(url, protocols) ?? functionTarget(url, spoken) ?? bareTarget(url, spoken);
}

/** What a target may be, for `--help`. */
export const TARGET_HELP = `a function (…/function/NAME), a model (${PROTOCOLS.flatMap(({ paths }) =>
  paths.model === undefined ? [] : [`…${shortPath(paths.model)}`],
).join(', ')}) or any other URL`;

function protocolNamed(name: string): Protocol {
  const protocol = PROTOCOLS.find((each) => each.name === name);
  if (protocol !== undefined) return protocol;
  throw new InflessError('INVALID_INPUT', `There is no protocol "${name}"`, {
    remedy: `Choose from: ${PROTOCOLS.map((each) => each.name).join(', ')}.`,
  });
}

/** `…/v1/models/NAME:predict` and its like. */
function modelTarget(url: URL, protocols: readonly Protocol[]): Target | undefined {
  for (const protocol of protocols) {
    const { model, predict } = protocol.paths;
    for (const template of model === undefined ? [] : [model, predict]) {
      const match = pathEndPattern(template).exec(url.pathname);
      if (match === null) continue;
      const [, prefix, name, version] = match;
      const address = { model: decodeName(name!), version: version && decodeName(version) };
      return targetOf(protocol, url, prefix!, address);
    }
  }
  return undefined;
}

/**
 * `…/function/NAME[.NAMESPACE]`, as OpenFaaS addresses functions: below it are the paths of all protocols.
 */
function functionTarget(url: URL, protocol: Protocol): Target | undefined {
  const path = url.pathname.replace(/\/$/, '');
  const name = /\/function\/([^/]+)$/.exec(path)?.[1];
  if (name === undefined) return undefined;
  const model = decodeName(name).replace(/\.[^.]*$/, '');
  const target = targetOf(protocol, url, path, { model });
  return protocol.paths.predict === '/' ? { ...target, url } : target;
}

function targetOf(protocol: Protocol, url: URL, prefix: string, address: ModelAddress): Target {
  const { predict, metadata } = protocol.paths;
  return {
    url: withPath(url, prefix + fillPath(predict, address)),
    protocol,
    model: address.model,
    metadataUrl: withPath(url, prefix + fillPath(metadata, address)),
  };
}

function bareTarget(url: URL, protocol: Protocol): Target {
  const { model } = protocol.paths;
  if (model === undefined) return { url, protocol, model: undefined, metadataUrl: undefined };
  throw new InflessError('INVALID_INPUT', `${url.href} names no model as ${protocol.name} does`, {
    remedy: `Write it like ${url.origin}${shortPath(model)}, or leave --protocol out.`,
  });
}

function withPath(url: URL, path: string): URL {
  const changed = new URL(url);
  changed.pathname = path;
  return changed;
}

/**
 * Makes sure somebody listens, by a bare connection: a request would already warm up what is to be measured.
 *
 * @throws InflessError PLATFORM_FAILED
 */
export async function probe(url: URL, timeoutMs: number): Promise<void> {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const host = url.hostname.replace(/^\[|\]$/g, ''); // IPv6 stands in brackets
  const socket = connect({ host, port, timeout: timeoutMs });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      socket.once('timeout', () => reject(new Error(`no connection within ${timeoutMs} ms`)));
    });
  } catch (error) {
    throw new InflessError(
      'PLATFORM_FAILED',
      `Nothing answers at ${url.origin} (${systemCode(error) ?? messageOf(error)})`,
      { remedy: 'Start the target first, or check host and port.', cause: error },
    );
  } finally {
    socket.destroy();
  }
}
