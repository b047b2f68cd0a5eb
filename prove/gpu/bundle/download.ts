import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { ensureDirectory, openFile } from '../../../models/base/files.ts';
import { Exchange, type HttpResponse } from '../../../packager/registry/exchange.ts';

/** A file of a package registry, and what its bytes must hash to. */
export interface RemoteFile {
  readonly url: URL;
  readonly algorithm: 'sha256' | 'sha512';
  /** In hexadecimal. */
  readonly digest: string;
}

/** A connection that breaks is taken up again where it broke, as long as each try brings something. */
const FRUITLESS_TRIES = 3;
const REMEDY = 'Make room, or choose another cache folder with INFLESS_CACHE_DIR.';

/**
 * Brings a file into a folder, once: what is there with the right digest is used, what is there in part is
 * gone on with.
 *
 * @returns its path
 * @throws InflessError REGISTRY_FAILED, STORAGE_FAILED
 */
export async function download(file: RemoteFile, folder: string): Promise<string> {
  await ensureDirectory(folder, REMEDY);
  const target = join(folder, `${file.digest.slice(0, 16)}-${basename(file.url.pathname)}`);
  if ((await digestIfPresent(target, file.algorithm)) === file.digest) return target;
  const partial = `${target}.partial`;
  let fruitless = 0;
  for (;;) {
    const before = await sizeOf(partial);
    try {
      await goOn(file, partial, before);
      break;
    } catch (error) {
      fruitless = (await sizeOf(partial)) > before ? 0 : fruitless + 1;
      if (error instanceof InflessError || fruitless >= FRUITLESS_TRIES) throw broken(file, error);
    }
  }
  if ((await digestIfPresent(partial, file.algorithm)) !== file.digest) {
    await rm(partial);
    throw new InflessError('REGISTRY_FAILED', `${file.url.href} is not what its registry says it is`, {
      remedy: 'Try again; a proxy in between may have answered in its place.',
    });
  }
  await rename(partial, target);
  return target;
}

/** Fetches what is missing behind the first bytes, or all of it from a server that knows no parts. */
async function goOn(file: RemoteFile, partial: string, from: number): Promise<void> {
  const headers = from > 0 ? { range: `bytes=${from}-` } : {};
  const response = await get(file.url, headers);
  if (response.status === 416) {
    // Nothing is left to fetch, or what is there is of another file; the digest will tell.
    await response.body.dump();
    return;
  }
  await pipeline(response.body, createWriteStream(partial, { flags: response.status === 206 ? 'a' : 'w' }));
}

/** A document of a registry. */
export async function fetchJson(url: URL, accept: string): Promise<unknown> {
  try {
    return await (await get(url, { accept })).body.json();
  } catch (error) {
    if (error instanceof InflessError) throw error;
    throw broken({ url }, error);
  }
}

async function get(url: URL, headers: Readonly<Record<string, string>>): Promise<HttpResponse> {
  const response = await new Exchange(url, process.env).send({ method: 'GET', url, headers });
  if ([200, 206, 416].includes(response.status)) return response;
  await response.body.dump();
  throw new InflessError('REGISTRY_FAILED', `${url.href} answered with status ${response.status}`, {
    remedy: 'Look at which registry npm and pip are set to, and whether it has this package.',
  });
}

function broken({ url }: Pick<RemoteFile, 'url'>, error: unknown): InflessError {
  if (error instanceof InflessError) return error;
  return new InflessError('REGISTRY_FAILED', `${url.href} cannot be fetched (${messageOf(error)})`, {
    remedy: 'Look at the network, then try again: what has arrived is kept.',
    cause: error,
  });
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function digestIfPresent(
  file: string,
  algorithm: RemoteFile['algorithm'],
): Promise<string | undefined> {
  const size = await sizeOf(file);
  if (size === 0) return undefined;
  const hash = createHash(algorithm);
  await pipeline(openFile(file, 0, size), hash);
  return hash.digest('hex');
}
