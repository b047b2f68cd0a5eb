import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { type Blob, bytesBlob, digestOf, jsonBlob } from '../../../packager/oci/blob.ts';
import { readDocument } from '../../../packager/oci/document.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import { imageIndexSchema, imageManifestSchema } from '../../../packager/oci/schema.ts';
import { readVerified, verified } from '../../../packager/oci/verified.ts';

const ORIGIN = 'registry.example/sample';

function giving(bytes: string, claimed: string): Blob {
  return {
    descriptor: bytesBlob(Buffer.from(claimed), 'text/plain').descriptor,
    open: () => Readable.from([Buffer.from(bytes)], { objectMode: false }),
  };
}

it.each([
  ['abc', 'abcd', `${ORIGIN} ends after 3 of the 4 bytes announced for ${digestOf('abcd')}`],
  ['abcde', 'abcd', `${ORIGIN} has more than the 4 bytes announced for ${digestOf('abcd')}`],
  ['abce', 'abcd', `${ORIGIN} has digest ${digestOf('abce')} where ${digestOf('abcd')} is expected`],
])('%s is not %s', async (bytes, claimed, message) => {
  await expect(buffer(verified(giving(bytes, claimed), ORIGIN))).rejects.toMatchObject({
    code: 'IMAGE_CORRUPT',
    message,
  });
});

it('bytes pass as they are, also none', async () => {
  for (const text of ['abcd', '']) {
    const blob = bytesBlob(Buffer.from(text), 'text/plain');
    expect((await buffer(verified(blob, ORIGIN))).toString()).toBe(text);
    expect((await buffer(blob.open(2))).toString()).toBe(text.slice(2));
  }
});

it('who stops reading closes the origin', async () => {
  const origin = new Readable({ read: (size) => origin.push(Buffer.alloc(size)) });
  const blob: Blob = { descriptor: { ...giving('', '').descriptor, size: 1 << 30 }, open: () => origin };
  const closed = new Promise((resolve) => origin.once('close', resolve));
  for await (const _chunk of verified(blob, ORIGIN)) break;
  await closed;
  expect(origin.destroyed).toBe(true);
});

it('a document too large for one is not even opened', async () => {
  const { descriptor } = giving('', '');
  const blob: Blob = {
    descriptor: { ...descriptor, size: 5 << 20 },
    open: () => expect.fail('it was opened'),
  };
  await expect(readVerified(blob, ORIGIN)).rejects.toMatchObject({
    code: 'IMAGE_CORRUPT',
    message: expect.stringContaining('more than the 4194304 allowed'),
  });
});

it('a manifest that is none is told by its first wrong field', async () => {
  const blob = jsonBlob({ schemaVersion: 2, layers: [] }, MEDIA_TYPES.manifest);
  await expect(readDocument(blob, imageManifestSchema, ORIGIN, 'manifest')).rejects.toMatchObject({
    code: 'IMAGE_CORRUPT',
    message: `manifest of ${ORIGIN} is not valid at "config": Invalid input: expected object, received undefined`,
  });
});

it('a digest that could be a path is none', async () => {
  const entry = { mediaType: MEDIA_TYPES.manifest, digest: 'sha256:../../etc/passwd', size: 1 };
  const blob = jsonBlob({ schemaVersion: 2, manifests: [entry] }, MEDIA_TYPES.index);
  await expect(readDocument(blob, imageIndexSchema, ORIGIN, 'index')).rejects.toMatchObject({
    code: 'IMAGE_CORRUPT',
    message: expect.stringContaining('a digest is sha256: and 64 hexadecimal digits'),
  });
});
