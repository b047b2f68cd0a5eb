import { beforeEach, expect, test } from 'vitest';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { AMD64, bundleOf, imageOf } from '../oci/sample-bundle.ts';
import { breakAfter, first, isWeights, nameIn, uploadOf } from './faults.ts';
import { type Desk, desk } from './harness.ts';
import { layer, noise } from './images.ts';
import { refuse, SmallRegistry } from './small-registry.ts';

const WEIGHTS = layer('weights', 3_000_000);
const BUNDLE = bundleOf([imageOf(AMD64, [WEIGHTS])]);

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

test('where a connection broke, without sending again what arrived', async () => {
  const registry: SmallRegistry = await SmallRegistry.start(
    first(2, isWeights, (...args) => breakAfter(() => registry, 1_000_000)(...args)),
  );
  await pushBundle(BUNDLE, nameIn(registry), options);
  expect(registry.blobs.get(WEIGHTS.descriptor.digest)?.equals(noise('weights', 3_000_000))).toBe(true);
  const sends = registry.requests.filter((line) => line.includes('/blobs/uploads/'));
  // Three for the config; then: begin, broken, how far?, broken, how far?, the rest, done.
  expect(sends.map((line) => line.split(' ')[0]).sort()).toEqual(
    ['POST', 'PUT', 'POST', 'PUT', 'GET', 'PATCH', 'GET', 'PATCH', 'PUT'].sort(),
  );
  const resumed = options.events.filter(
    (event) => event.type === 'sending' && event.descriptor === WEIGHTS.descriptor,
  );
  expect(Math.max(...resumed.map((event) => (event.type === 'sending' ? event.sentBytes : 0)))).toBe(
    3_000_000,
  );
  expect(options.clock.waitsMs).toEqual([500, 500]); // progress renews patience
});

test('from the start, where the registry has forgotten', async () => {
  const registry: SmallRegistry = await SmallRegistry.start(
    first(1, isWeights, (request) => {
      registry.uploads.delete(uploadOf(request));
      request.socket.destroy();
      return true;
    }),
  );
  await pushBundle(BUNDLE, nameIn(registry), options);
  expect(registry.blobs.get(WEIGHTS.descriptor.digest)?.equals(noise('weights', 3_000_000))).toBe(true);
  expect(registry.requests.filter((line) => line.startsWith('POST'))).toHaveLength(3);
});

test('where all arrived and only the answer was lost', async () => {
  const registry: SmallRegistry = await SmallRegistry.start(
    first(1, isWeights, async (request) => {
      const bytes = Buffer.concat(await request.toArray());
      registry.blobs.set(WEIGHTS.descriptor.digest, bytes);
      request.socket.destroy();
      return true;
    }),
  );
  await pushBundle(BUNDLE, nameIn(registry), options);
  expect(registry.requests.filter((line) => line.startsWith('PUT') && line.includes('uploads'))).toHaveLength(
    2,
  );
});

test.each([500, 502, 503, 429])('after a %i in the middle of an upload', async (status) => {
  const registry = await SmallRegistry.start(
    first(2, isWeights, (request, response) => {
      request.once('data', () => refuse(response, status, 'UNKNOWN', 'disk\nfull'));
      return true;
    }),
  );
  await pushBundle(BUNDLE, nameIn(registry), options);
  expect(options.clock.waitsMs).toEqual([500, 1000]);
  expect(options.events).toContainEqual({
    type: 'retry',
    reason: `Registry ${registry.host} would not store blob ${WEIGHTS.descriptor.digest} (${status}, disk full)`,
    waitMs: 500,
  });
});

test.each([
  ['3', 3000],
  ['Thu, 01 Jan 2026 00:00:07 GMT', 7000],
  ['soon', 500],
])('when the registry asks to be left alone (Retry-After: %s)', async (retryAfter, waitMs) => {
  const registry = await SmallRegistry.start(
    first(
      1,
      ({ method }) => method === 'HEAD',
      (_request, response) => {
        response.writeHead(429, { 'retry-after': retryAfter }).end();
        return true;
      },
    ),
  );
  await pushBundle(BUNDLE, nameIn(registry), options);
  expect(options.clock.waitsMs).toEqual([waitMs]);
});

test('where a blob may not be taken over from the repository that has it', async () => {
  const registry = await SmallRegistry.start((request, response) => {
    if (!request.url?.includes('mount=')) return false;
    refuse(response, 403, 'DENIED');
    return true;
  });
  await pushBundle(BUNDLE, parseReference(`${registry.host}/one:v1`), options);
  registry.blobs.clear();
  const report = await pushBundle(BUNDLE, parseReference(`${registry.host}/two:v1`), options);
  expect(report.counts).toEqual({ present: 0, mounted: 0, pushed: 3 });
  expect(registry.requests.filter((line) => line.startsWith('POST /v2/two'))).toHaveLength(4);
});

test('when the registry is restarted', async () => {
  const registry: SmallRegistry = await SmallRegistry.start(
    first(1, isWeights, (request) => {
      request.socket.destroy();
      registry.stop();
      return true;
    }),
  );
  const failure = await pushBundle(BUNDLE, nameIn(registry), options).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'REGISTRY_FAILED',
    message: `Registry ${registry.host} refuses connections (ECONNREFUSED)`,
  });
  expect(options.clock.waitsMs).toContain(8000); // it had answered before, so it was given time
});
