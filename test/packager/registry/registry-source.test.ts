import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { jsonBlob } from '../../../packager/oci/blob.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import { verified } from '../../../packager/oci/verified.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { RegistrySource } from '../../../packager/registry/registry-source.ts';
import { AMD64, ARM64, bundleOf, imageOf, referrerTo } from '../oci/sample-bundle.ts';
import { type Desk, desk } from './harness.ts';
import { layer } from './images.ts';
import { type Fault, SmallRegistry } from './small-registry.ts';

const WEIGHTS = layer('weights', 1_000_000);
const IMAGE = imageOf(AMD64, [WEIGHTS]);

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

/** A registry with an image in it, into which the fault is put only then. */
async function stocked(fault: Fault, bundle = bundleOf([IMAGE])) {
  let isStocked = false;
  const registry = await SmallRegistry.start((...exchange) => isStocked && fault(...exchange));
  const reference = parseReference(`${registry.host}/team/model:v1`);
  await pushBundle(bundle, reference, options);
  isStocked = true;
  registry.requests.length = 0;
  return { registry, reference, source: new RegistrySource(reference, options) };
}

describe('a layer', () => {
  test.each([
    ['with ranges', true, [500, 500]],
    ['without ranges, where nothing new comes before the second break', false, [500, 1000]],
  ])('comes whole over a connection that breaks, from a registry %s', async (_name, knowsRanges, waitsMs) => {
    let breaks = 2;
    const { source, registry } = await stocked((request, response) => {
      if (!request.url?.endsWith(WEIGHTS.descriptor.digest)) return false;
      if (!knowsRanges) delete request.headers.range;
      if (breaks === 0) return false;
      breaks -= 1;
      const from = Number(/\d+/.exec(request.headers.range ?? '0'));
      const bytes = registry.blobs.get(WEIGHTS.descriptor.digest)!.subarray(from);
      response.writeHead(from === 0 ? 200 : 206, { 'content-length': bytes.byteLength });
      response.write(bytes.subarray(0, 300_000), () => setTimeout(() => response.destroy(), 50));
      return true;
    });
    const image = await source.fetch(AMD64);
    const bytes = await buffer(verified(image.layers[0]!, source.name));
    expect(bytes.byteLength).toBe(1_000_000);
    expect(options.clock.waitsMs).toEqual(waitsMs);
  });

  test('with other content than announced is found out', async () => {
    const { source, registry } = await stocked(() => false);
    registry.blobs.get(WEIGHTS.descriptor.digest)![500_000]! ^= 1;
    const image = await source.fetch(AMD64);
    await expect(buffer(verified(image.layers[0]!, source.name))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
    });
  });

  test('that is gone', async () => {
    const { source, registry } = await stocked(() => false);
    registry.blobs.delete(WEIGHTS.descriptor.digest);
    const image = await source.fetch(AMD64);
    await expect(buffer(image.layers[0]!.open())).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      message: expect.stringMatching(/would not give sha256:\w+ of team\/model \(404, BLOB_UNKNOWN\)$/),
    });
  });

  test('kept at another host is fetched there, without our password', async () => {
    const seen: (string | undefined)[] = [];
    const storage = await SmallRegistry.start((request, response) => {
      seen.push(request.headers.authorization);
      response.end(storage.blobs.get(request.url!.slice(1)));
      return true;
    });
    const { source, registry } = await stocked((request, response) => {
      if (request.url?.startsWith('/token')) response.end('{"token":"secret"}');
      else if (request.headers.authorization !== 'Bearer secret') {
        response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end();
      } else if (request.url?.includes('/blobs/')) {
        const digest = request.url.split('/').at(-1)!;
        response.writeHead(307, { location: `http://${storage.host}/${digest}` }).end();
      } else return false;
      return true;
    });
    for (const [digest, bytes] of registry.blobs) storage.blobs.set(digest, bytes);
    const image = await source.fetch(AMD64);
    await buffer(verified(image.layers[0]!, source.name));
    expect(seen).toEqual([undefined, undefined]); // the config, and the layer
  });
});

describe('a manifest', () => {
  test('that is not what its digest says', async () => {
    const { source } = await stocked((request, response) => {
      if (!request.url?.includes('/manifests/')) return false;
      response.setHeader('docker-content-digest', IMAGE.manifest.descriptor.digest);
      response.writeHead(200, { 'content-type': MEDIA_TYPES.manifest }).end('{}');
      return true;
    });
    await expect(source.fetch(AMD64)).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringMatching(/gives a manifest with digest sha256:\w+ where sha256:\w+ is expected/),
    });
  });

  test('without end', async () => {
    const { source } = await stocked((_request, response) => {
      response.writeHead(200, { 'content-type': MEDIA_TYPES.manifest });
      const more = (): void => void response.write(Buffer.alloc(1 << 20), more);
      more();
      return true;
    });
    await expect(source.fetch(AMD64)).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringMatching(/gives a manifest of more than the \d+ bytes allowed/),
    });
  });

  test("in Docker's words", async () => {
    const manifest = JSON.parse((await buffer(IMAGE.manifest.open())).toString()) as object;
    const docker = jsonBlob(
      { ...manifest, mediaType: MEDIA_TYPES.dockerManifest },
      MEDIA_TYPES.dockerManifest,
    );
    const image = { ...IMAGE, manifest: docker };
    const list = bundleOf([image, imageOf(ARM64, [layer('arm')])]);
    const index = JSON.parse((await buffer(list.root.open())).toString()) as object;
    const root = jsonBlob({ ...index, mediaType: MEDIA_TYPES.dockerIndex }, MEDIA_TYPES.dockerIndex);
    const { source } = await stocked(() => false, { ...list, root });
    expect((await source.fetch(AMD64)).manifest.descriptor).toMatchObject(docker.descriptor);
    expect((await source.fetchAll()).images).toHaveLength(2);
  });

  test('by its digest', async () => {
    const { reference } = await stocked(() => false);
    const { registry, repository } = reference;
    const { digest } = IMAGE.manifest.descriptor;
    const image = await new RegistrySource({ registry, repository, digest }, options).fetch(AMD64);
    expect(image.manifest.descriptor.digest).toBe(digest);
  });
});

test('what refers to an image is listed by a registry that knows how', async () => {
  const sbom = referrerTo(IMAGE, 'an SBOM');
  const { source, registry } = await stocked(() => false, bundleOf([IMAGE], [sbom]));
  const { referrers } = await source.fetchAll();
  expect(referrers.map(({ manifest }) => manifest.descriptor.digest)).toEqual([
    sbom.manifest.descriptor.digest,
  ]);
  expect([...registry.manifests.keys()].some((name) => name.includes(':sha256-'))).toBe(false);
});

test('a registry that answers the question for what refers to an image with a page has none', async () => {
  const { source } = await stocked((request, response) => {
    if (!request.url?.includes('/referrers/')) return false;
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Packages</h1>');
    return true;
  });
  expect((await source.fetchAll()).referrers).toEqual([]);
});
