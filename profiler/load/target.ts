import { connect } from 'node:net';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';

/** Where requests go, and where the model behind it describes its inputs (TF Serving REST). */
export interface Target {
  readonly url: URL;
  /** Undefined where the URL does not name a model. */
  readonly metadataUrl: URL | undefined;
}

/**
 * Understands `…/function/NAME`, `…/v1/models/NAME[/versions/V]` (to which `:predict` is added) and
 * `…/v1/models/NAME:predict`; any other URL is taken as it is.
 *
 * @throws InflessError INVALID_INPUT for what is not an HTTP URL
 */
export function parseTarget(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new InflessError('INVALID_INPUT', `"${text}" is not an HTTP URL`, {
      remedy: 'Write it in full, like http://127.0.0.1:8080/function/mobilenet.',
    });
  }
  const path = url.pathname.replace(/\/$/, '');
  const model = /^(.*\/v1\/models\/[^/:]+(?:\/versions\/[^/:]+)?)(:predict)?$/.exec(path)?.[1];
  if (model !== undefined) {
    return { url: withPath(url, `${model}:predict`), metadataUrl: withPath(url, `${model}/metadata`) };
  }
  const name = /\/function\/([^/]+)$/.exec(path)?.[1];
  if (name === undefined) return { url, metadataUrl: undefined };
  const bare = name.replace(/\.[^.]*$/, ''); // NAME.NAMESPACE, as OpenFaaS addresses functions
  return { url, metadataUrl: withPath(url, `${path}/v1/models/${bare}/metadata`) };
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
