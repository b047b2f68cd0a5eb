import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Blob } from '../../../packager/oci/blob.ts';
import { metered } from '../../../packager/registry/metered.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference } from '../../../packager/registry/reference.ts';
import { AMD64, bundleOf, imageOf } from '../oci/sample-bundle.ts';
import { isWeights, nameIn } from './faults.ts';
import { type Desk, desk } from './harness.ts';
import { layer } from './images.ts';
import { SmallRegistry } from './small-registry.ts';

const WEIGHTS = layer('weights', 3_000_000);
const IMAGE = imageOf(AMD64, [WEIGHTS]);
const BUNDLE = bundleOf([IMAGE]);

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

test('it reads no faster than the registry does', async () => {
  let isHeld = false;
  const registry = await SmallRegistry.start((request) => {
    isHeld ||= isWeights(request);
    return isHeld; // no one reads the request, or answers it
  });
  const sizeBytes = 256 << 20;
  const chunk = Buffer.alloc(1 << 18);
  const endless: Blob = {
    descriptor: { ...WEIGHTS.descriptor, size: sizeBytes },
    open: () => Readable.from(Array.from({ length: sizeBytes / chunk.byteLength }, () => chunk)),
  };
  const controller = new AbortController();
  let [sentBytes, seenBytes] = [0, -1];
  const push = pushBundle(bundleOf([{ ...IMAGE, layers: [endless] }]), nameIn(registry), {
    ...options,
    signal: controller.signal,
    onProgress: (event) => {
      if (event.type === 'sending' && event.descriptor.size === sizeBytes) sentBytes = event.sentBytes;
    },
  }).catch((error: unknown) => error);
  while (sentBytes === 0 || sentBytes > seenBytes) {
    seenBytes = sentBytes;
    await sleep(100);
  }
  controller.abort();
  await push;
  expect(sentBytes).toBeGreaterThan(0);
  expect(sentBytes).toBeLessThan(32 << 20); // what the sockets' buffers hold, at most
});

test('a connection on which nothing is taken any more is given up', async () => {
  const failure = new Error('stalled');
  const seen: number[] = [];
  const stream = metered(WEIGHTS.open(), {
    onBytes: (sizeBytes) => void seen.push(sizeBytes),
    stallMs: 20,
    stalled: () => failure,
  });
  await expect(once(stream, 'end')).rejects.toBe(failure); // no one reads it
  expect(seen).toEqual([3_000_000]);
  const read = metered(WEIGHTS.open(), { onBytes: () => {}, stallMs: 20, stalled: () => failure });
  expect((await buffer(read)).byteLength).toBe(3_000_000);
  await sleep(40);
  expect(read.errored).toBeNull();
});

test('a proxy is gone through where the environment names one', async () => {
  const registry = await SmallRegistry.start();
  const proxy = createServer().listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => void proxy.close());
  const asked: (string | undefined)[] = [];
  proxy.on('connect', ({ url }: IncomingMessage, client: Socket) => {
    asked.push(url);
    const [host = '', port] = registry.host.split(':');
    const server = connect(Number(port), host, () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
    server.on('error', () => client.destroy()).pipe(client);
    client.on('error', () => server.destroy()).pipe(server);
  });
  const HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const environment = { ...options.environment, HTTP_PROXY };
  await pushBundle(BUNDLE, parseReference('registry.invalid:5000/m:v1'), { ...options, environment });
  expect(new Set(asked)).toEqual(new Set(['registry.invalid:5000']));
  expect(registry.manifests.has('m:v1')).toBe(true);
});
