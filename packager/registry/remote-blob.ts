import { Readable } from 'node:stream';
import type { Blob } from '../oci/blob.ts';
import type { Descriptor } from '../oci/schema.ts';
import { pullScopes } from './auth/authorization.ts';
import type { Registry } from './registry.ts';

/** Content in a registry, fetched when it is opened. */
export interface RemoteBlob extends Blob {
  /** Where it lies: a push to another repository of the same registry need not send it. */
  readonly origin: BlobOrigin;
}

export interface BlobOrigin {
  readonly registry: string;
  readonly repository: string;
}

/** Where a blob lies, if it comes from a registry. */
export function originOf(blob: Blob): BlobOrigin | undefined {
  return 'origin' in blob ? (blob as RemoteBlob).origin : undefined;
}

/** @param url where it is fetched, relative to the registry */
export function remoteBlob(
  registry: Registry,
  repository: string,
  descriptor: Descriptor,
  url: string,
): RemoteBlob {
  return {
    descriptor,
    origin: { registry: registry.host, repository },
    open: (fromByte = 0) =>
      Readable.from(download(registry, repository, descriptor, url, fromByte), { objectMode: false }),
  };
}

/** The bytes from `position` on; a connection that breaks is taken up where it broke. */
async function* download(
  registry: Registry,
  repository: string,
  { mediaType, digest, size }: Descriptor,
  url: string,
  fromByte: number,
): AsyncGenerator<Buffer> {
  const patience = registry.patience();
  let position = fromByte;
  while (position < size) {
    try {
      const response = await registry.open({
        method: 'GET',
        url,
        scopes: pullScopes(repository),
        headers: {
          accept: `${mediaType}, */*`, // a manifest is only given to those who say that they know its kind
          ...(position === 0 ? {} : { range: `bytes=${position}-` }),
        },
        expected: [200, 206],
        deed: `give ${digest} of ${repository}`,
      });
      let surplusBytes = response.status === 206 ? 0 : position; // a registry may know no ranges
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const wanted = chunk.subarray(Math.min(surplusBytes, chunk.byteLength));
        surplusBytes -= chunk.byteLength - wanted.byteLength;
        if (wanted.byteLength === 0) continue;
        position += wanted.byteLength;
        patience.renew();
        yield wanted;
      }
      return; // shorter than announced is for whoever verifies it to find out
    } catch (error) {
      await patience.after(registry.failureOf(error));
    }
  }
}
