import { once } from 'node:events';
import { appendFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Blob, fileBlob } from '../../../packager/oci/blob.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import { metered } from '../../../packager/registry/metered.ts';
import { pushBundle } from '../../../packager/registry/push.ts';
import { parseReference, type Reference } from '../../../packager/registry/reference.ts';
import { AMD64, bundleOf, imageOf } from '../oci/sample-bundle.ts';
import { type Desk, desk } from './harness.ts';
import { layer, noise } from './images.ts';
import { type Fault, refuse, SmallRegistry } from './small-registry.ts';

const WEIGHTS = layer('weights', 3_000_000);
const IMAGE = imageOf(AMD64, [WEIGHTS]);
const BUNDLE = bundleOf([IMAGE]);

let options: Desk;

beforeEach(async () => {
  options = await desk();
});

function nameIn(registry: SmallRegistry): Reference {
  return parseReference(`${registry.host}/team/model:v1`);
}

/** A fault that happens the first `times` that a request is such. */
function first(times: number, isSuch: (request: IncomingMessage) => boolean, fault: Fault): Fault {
  let left = times;
  return (request, response) => {
    if (left === 0 || !isSuch(request)) return false;
    left -= 1;
    return fault(request, response);
  };
}

const isWeights = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'PUT' || method === 'PATCH') && Number(headers['content-length']) > 100_000;

const uploadOf = ({ url = '' }: IncomingMessage): string => /([^/?]+)(?:\?|$)/.exec(url)![1]!;

/** Reads so much of an upload, keeps it, and breaks the connection. */
function breakAfter(registry: () => SmallRegistry, keptBytes: number): Fault {
  return async (request) => {
    const id = uploadOf(request);
    const { uploads } = registry();
    const end = uploads.get(id)!.byteLength + keptBytes;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      uploads.set(id, Buffer.concat([uploads.get(id)!, chunk]).subarray(0, end));
      if (uploads.get(id)!.byteLength === end) break;
    }
    request.socket.destroy();
    return true;
  };
}

describe('a push goes on', () => {
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
    expect(
      registry.requests.filter((line) => line.startsWith('PUT') && line.includes('uploads')),
    ).toHaveLength(2);
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
});

test('a push reads no faster than the registry does', async () => {
  let isHeld = false;
  const registry = await SmallRegistry.start((request) => {
    isHeld ||= isWeights(request);
    return isHeld; // nobody reads the request, or answers it
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
  await expect(once(stream, 'end')).rejects.toBe(failure); // nobody reads it
  expect(seen).toEqual([3_000_000]);
  const read = metered(WEIGHTS.open(), { onBytes: () => {}, stallMs: 20, stalled: () => failure });
  expect((await buffer(read)).byteLength).toBe(3_000_000);
  await sleep(40);
  expect(read.errored).toBeNull();
});

test('a proxy is gone through where the environment names one', async () => {
  const registry = await SmallRegistry.start();
  const proxy = createHttpServer().listen(0, '127.0.0.1');
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

describe('a push ends with a sentence', () => {
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
    await expect(pushBundle(BUNDLE, nameIn(registry), { ...options, insecure: false })).rejects.toMatchObject(
      {
        code: 'REGISTRY_FAILED',
        sentence: expect.stringMatching(/does not speak HTTPS \(.*\)\. Use --insecure/),
      },
    );
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
    }
  });
});
