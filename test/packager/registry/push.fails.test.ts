import { once } from 'node:events';
import { appendFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Blob, fileBlob } from '../../../packager/oci/blob.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { AMD64, bundleOf, imageOf } from '../oci/sample-bundle.ts';
import { isWeights, nameIn } from './faults.ts';
import { type Desk, desk } from './harness.ts';
import { layer, noise } from './images.ts';
import { refuse, SmallRegistry } from './small-registry.ts';

const WEIGHTS = layer('weights', 3_000_000);
const IMAGE = imageOf(AMD64, [WEIGHTS]);
const BUNDLE = bundleOf([IMAGE]);

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

test('at once where there is no registry', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  await expect(pushBundle(BUNDLE, parseReference(`127.0.0.1:${port}/m`), options)).rejects.toMatchObject({
    code: 'REGISTRY_FAILED',
    sentence:
      `Registry 127.0.0.1:${port} refuses connections (ECONNREFUSED). ` +
      'Check its address, that it runs, and the network, then try again.',
  });
  expect(options.clock.waitsMs).toEqual([]);
});

test('for a host that does not exist', async () => {
  await expect(pushBundle(BUNDLE, parseReference('registry.invalid/m'), options)).rejects.toMatchObject({
    code: 'REGISTRY_FAILED',
    message: expect.stringMatching(/^Registry registry\.invalid (?:is unknown|cannot be looked up)/),
  });
});

test('for a registry that speaks plain HTTP', async () => {
  const registry = await SmallRegistry.start();
  await expect(pushBundle(BUNDLE, nameIn(registry), { ...options, insecure: false })).rejects.toMatchObject({
    code: 'REGISTRY_FAILED',
    sentence: expect.stringMatching(/does not speak HTTPS \(.*\)\. Use --insecure/),
  });
});

test('for something that speaks no HTTP', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(pushBundle(BUNDLE, parseReference(`127.0.0.1:${port}/m`), options)).rejects.toMatchObject({
    code: 'REGISTRY_FAILED',
    message: expect.stringMatching(/does not speak HTTP \(/),
  });
});

test('when the registry stays broken, after six tries', async () => {
  const registry = await SmallRegistry.start((request, response) => {
    if (!isWeights(request)) return false;
    request.resume().once('end', () => refuse(response, 500, 'UNKNOWN', 'no space left on device'));
    return true;
  });
  await expect(pushBundle(BUNDLE, nameIn(registry), options)).rejects.toMatchObject({
    code: 'REGISTRY_FAILED',
    exitCode: 3,
    message: expect.stringMatching(/would not store blob sha256:\w+ \(500, no space left on device\)$/),
  });
  expect(options.clock.waitsMs).toEqual([500, 1000, 2000, 4000, 8000]);
  expect(registry.manifests.size).toBe(0); // nothing has a name
  expect(registry.uploads.size).toBe(0); // and nothing is left of what had not arrived
});

test('when the registry asks for a wait of hours', async () => {
  const registry = await SmallRegistry.start((_request, response) => {
    response.writeHead(429, { 'retry-after': '21600' }).end();
    return true;
  });
  await expect(pushBundle(BUNDLE, nameIn(registry), options)).rejects.toMatchObject({
    sentence: expect.stringMatching(/\(429\)\. It limits how often it is asked/),
  });
  expect(options.clock.waitsMs).toEqual([]);
});

test.each([
  [403, 'DENIED', 'no', /would not begin an upload to team\/model \(403, no\)\. Check that the user/],
  [404, 'NAME_UNKNOWN', '', /\(404, NAME_UNKNOWN\)\. Check the name of the repository/],
  [413, 'SIZE_INVALID', 'too big', /\(413, too big\)\. Raise the limit/],
  [400, 'UNSUPPORTED', 'not here', /\(400, not here\)\. Check that this is the address of a registry/],
])('for a %i', async (status, code, message, sentence) => {
  const registry = await SmallRegistry.start((request, response) => {
    if (request.method !== 'POST') return false;
    refuse(response, status, code, message);
    return true;
  });
  await expect(pushBundle(BUNDLE, nameIn(registry), options)).rejects.toMatchObject({
    code: 'REGISTRY_FAILED',
    sentence: expect.stringMatching(sentence),
  });
  expect(options.clock.waitsMs).toEqual([]);
});

test('when the content is not what it was announced as', async () => {
  const registry = await SmallRegistry.start();
  const other: Blob = { descriptor: WEIGHTS.descriptor, open: () => layer('other', 3_000_000).open() };
  await expect(
    pushBundle(bundleOf([{ ...IMAGE, layers: [other] }]), nameIn(registry), options),
  ).rejects.toMatchObject({
    code: 'IMAGE_CORRUPT',
    sentence: expect.stringMatching(/\(400, other content than announced\)\. The content changed/),
  });
});

test('when a file changes while it is pushed', async () => {
  const registry = await SmallRegistry.start();
  const file = join(options.environment.HOME, 'weights');
  await writeFile(file, noise('weights', 3_000_000));
  const blob = fileBlob(file, { ...WEIGHTS.descriptor, mediaType: MEDIA_TYPES.layer });
  await appendFile(file, 'more');
  await expect(
    pushBundle(bundleOf([{ ...IMAGE, layers: [blob] }]), nameIn(registry), options),
  ).rejects.toMatchObject({ code: 'IMAGE_CORRUPT', message: expect.stringMatching(/changed its size/) });
});

test('when a file is gone', async () => {
  const registry = await SmallRegistry.start();
  const blob = fileBlob(join(options.environment.HOME, 'gone'), WEIGHTS.descriptor);
  await expect(
    pushBundle(bundleOf([{ ...IMAGE, layers: [blob] }]), nameIn(registry), options),
  ).rejects.toThrow(/ENOENT.*gone/);
});

test('when another digest is asked for than the image has', async () => {
  const reference = parseReference(`r.example/m@${WEIGHTS.descriptor.digest}`);
  await expect(pushBundle(BUNDLE, reference, options)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('when the user has had enough: during an upload, and during a wait', async () => {
  for (const during of ['upload', 'wait']) {
    const controller = new AbortController();
    const registry = await SmallRegistry.start((request, response) => {
      if (!isWeights(request)) return false;
      if (during === 'upload') controller.abort(new Error('enough'));
      else refuse(response, 503, 'UNAVAILABLE');
      return true;
    });
    const onProgress = (): void => {
      if (during === 'wait' && registry.requests.some((line) => line.includes('PUT'))) {
        controller.abort(new Error('enough'));
      }
    };
    await expect(
      pushBundle(BUNDLE, nameIn(registry), { ...options, onProgress, signal: controller.signal }),
    ).rejects.toThrow('enough');
    expect(registry.uploads.size).toBe(0);
    expect(registry.manifests.size).toBe(0);
  }
});
