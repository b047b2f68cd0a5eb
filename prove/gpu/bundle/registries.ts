import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { parseWith } from '../../../models/base/schema.ts';
import { fetchJson, type RemoteFile } from './download.ts';

const npmSchema = z.object({ dist: z.object({ tarball: z.url(), integrity: z.string() }) });

/**
 * The archive of a package of the npm registry.
 *
 * @param environment of which the registry that npm is set to is heeded, as npm passes it on to scripts
 */
export async function npmArchive(
  name: string,
  version: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<RemoteFile> {
  const registry = environment.npm_config_registry || 'https://registry.npmjs.org/';
  const url = new URL(`${name}/${version}`, withSlash(registry));
  const { dist } = parseWith(npmSchema, await fetchJson(url, 'application/json'), {
    what: `What ${url.href} says`,
  });
  const sha512 = dist.integrity.split(' ').find((hash) => hash.startsWith('sha512-'));
  if (sha512 === undefined) throw unusable(`${name}@${version}`, 'without a SHA-512 of it');
  const digest = Buffer.from(sha512.slice('sha512-'.length), 'base64').toString('hex');
  return { url: new URL(dist.tarball), algorithm: 'sha512', digest };
}

const SIMPLE = 'application/vnd.pypi.simple.v1+json';
const simpleSchema = z.object({
  files: z.array(
    z.object({ filename: z.string(), url: z.string(), hashes: z.record(z.string(), z.string()) }),
  ),
});

/**
 * A wheel of a Python package index.
 *
 * @param isWanted told a file's name
 * @param environment of which the index that pip is set to by `PIP_INDEX_URL` is heeded
 */
export async function pypiWheel(
  name: string,
  isWanted: (file: string) => boolean,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<RemoteFile> {
  const index = environment.PIP_INDEX_URL || 'https://pypi.org/simple/';
  const url = new URL(`${name}/`, withSlash(index));
  const { files } = parseWith(simpleSchema, await fetchJson(url, SIMPLE), { what: `What ${url.href} says` });
  const file = files.find(({ filename }) => isWanted(filename));
  if (file === undefined) throw unusable(name, 'without a wheel of this version and platform');
  const { sha256 } = file.hashes;
  if (sha256 === undefined) throw unusable(file.filename, 'without a SHA-256 of it');
  return { url: new URL(file.url, url), algorithm: 'sha256', digest: sha256 };
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

function unusable(what: string, lack: string): InflessError {
  return new InflessError('REGISTRY_FAILED', `The registry has ${what} ${lack}`, {
    remedy: 'Look at which registry npm and pip are set to.',
  });
}
