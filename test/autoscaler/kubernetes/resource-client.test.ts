import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { KubernetesObject } from '@kubernetes/client-node';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isConflict, isGone, isNotFound } from '../../../autoscaler/kubernetes/api-errors.ts';
import { type Connection, connect } from '../../../autoscaler/kubernetes/connection.ts';
import { Informer } from '../../../autoscaler/kubernetes/informer.ts';
import { ResourceClient, type ResourceKind } from '../../../autoscaler/kubernetes/resource-client.ts';
import { withRetry } from '../../../autoscaler/kubernetes/retry.ts';
import { systemClock } from '../../../models/base/clock.ts';
import { type ApiServer, newNamespace, openApiServer } from '../../support/kubernetes/api-server.ts';
import { writeKubeconfig } from '../../support/kubernetes/kubeconfig.ts';

interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string | null>>;
}

const CONFIG_MAPS: ResourceKind = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

/** Says exactly what a test wants to be said. */
class Stub {
  readonly kubeconfig: string;
  readonly #server: Server;

  private constructor(server: Server, kubeconfig: string) {
    this.#server = server;
    this.kubeconfig = kubeconfig;
  }

  static async start(answer: RequestListener): Promise<Stub> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const directory = await mkdtemp(join(tmpdir(), 'infless-stub-'));
    return new Stub(server, await writeKubeconfig(directory, { url, token: 'any' }));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
    await rm(dirname(this.kubeconfig), { recursive: true });
  }
}

let server: ApiServer;
let connection: Connection;
let maps: ResourceClient<ConfigMap>;

beforeAll(async () => {
  server = await openApiServer();
}, 240_000);
afterAll(() => server.close());
beforeEach(async () => {
  const namespace = await newNamespace(server);
  connection = await connect({ kubeconfig: server.kubeconfig, namespace });
  maps = new ResourceClient(connection, CONFIG_MAPS);
  return () => connection.close();
});

const named = (name: string, data: ConfigMap['data'] = {}): ConfigMap => ({ metadata: { name }, data });

describe('a resource client', { timeout: 60_000 }, () => {
  it('creates, reads and deletes', async () => {
    const made = await maps.create(named('a', { key: 'value' }));
    expect(made).toMatchObject({ kind: 'ConfigMap', metadata: { namespace: connection.namespace } });
    expect(await maps.get('a')).toEqual(made);
    await maps.delete('a');
    expect(await maps.get('a')).toBeUndefined();
    await maps.delete('a'); // what is not there is deleted
  });

  it('does not take one object for another of the same name', async () => {
    const first = await maps.create(named('a'));
    await expect(maps.create(named('a'))).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' });
    await maps.delete('a');
    const second = await maps.create(named('a'));
    await maps.delete('a', { uid: first.metadata?.uid });
    expect((await maps.get('a'))?.metadata?.uid).toBe(second.metadata?.uid);
  });

  it('replaces only what nobody else has changed', async () => {
    const read = await maps.create(named('a', { key: '1' }));
    await maps.replace({ ...read, data: { key: '2' } });
    const stale = maps.replace({ ...read, data: { key: '3' } });
    await expect(stale).rejects.toSatisfy(isConflict);
    expect((await maps.get('a'))?.data).toEqual({ key: '2' });
  });

  it('patches what it names, and takes away what it gives as null', async () => {
    await maps.create(named('a', { kept: '1', gone: '2' }));
    const patched = await maps.patch('a', { data: { gone: null, come: '3' } });
    expect(patched.data).toEqual({ kept: '1', come: '3' });
  });

  it('applies what it owns, beside others', async () => {
    await maps.apply(named('a', { ours: '1' }));
    const path = `/api/v1/namespaces/${connection.namespace}/configmaps/a`;
    await server.requests.patch(path, { data: { theirs: '2' } });
    expect((await maps.apply(named('a', { ours: '3' }))).data).toEqual({ ours: '3', theirs: '2' });
    await expect(maps.apply(named('a', { theirs: '4' }))).rejects.toSatisfy(isConflict);
    const forced = await maps.apply(named('a', { theirs: '4' }), { force: true });
    expect(forced.data).toEqual({ theirs: '4' });
  });

  it('lists all pages, and what a selector asks for', async () => {
    const names = Array.from({ length: 520 }, (_, index) => `m${index}`);
    await Promise.all(names.map((name) => maps.create(named(name))));
    await maps.create({ metadata: { name: 'marked', labels: { mark: 'yes' } } });
    const { items, resourceVersion } = await maps.list({ labelSelector: 'mark!=yes' });
    expect(new Set(items.map(({ metadata }) => metadata?.name))).toEqual(new Set(names));
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(Number(resourceVersion)).toBeGreaterThan(0);
    expect((await maps.list({ fieldSelector: 'metadata.name=m7' })).items).toHaveLength(1);
  });

  it('watches from a version on', async () => {
    const { resourceVersion } = await maps.list();
    await maps.create(named('a'));
    await maps.patch('a', { data: { key: 'value' } });
    await maps.delete('a');
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { type, object } of await maps.watch(resourceVersion, {}, stop.signal)) {
      seen.push(`${type} ${object.metadata?.name}`);
      if (type === 'DELETED') break;
    }
    stop.abort();
    expect(seen).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
  });

  it('says with the API’s own words what it refuses', async () => {
    const unknown = new ResourceClient(connection, { ...CONFIG_MAPS, plural: 'nonsense' });
    await expect(unknown.list()).rejects.toSatisfy(isNotFound);
    await expect(maps.create(named('Not A Name'))).rejects.toMatchObject({
      status: 422,
      reason: 'Invalid',
      message: expect.stringContaining('Not A Name'),
    });
  });
});

describe('an informer', { timeout: 120_000 }, () => {
  const newInformer = (client: ResourceClient<ConfigMap> = maps): Informer<ConfigMap> =>
    new Informer(
      client,
      { labelSelector: 'mark=yes' },
      { clock: systemClock, logger: pino({ level: 'silent' }) },
    );
  const marked = (name: string): ConfigMap => ({ metadata: { name, labels: { mark: 'yes' } } });

  function watched(informer: Informer<ConfigMap>): string[] {
    const told: string[] = [];
    informer.onEvent(({ type, object }) => told.push(`${type} ${object.metadata?.name}`));
    return told;
  }

  it('knows what there is, and is told of every change', async () => {
    await maps.create(marked('there'));
    const informer = newInformer();
    const told = watched(informer);
    await informer.start();
    expect(told).toEqual(['added there']);
    await maps.create(named('unmarked'));
    await maps.create(marked('a'));
    await maps.patch('a', { data: { key: 'value' } });
    await maps.patch('there', { metadata: { labels: null } }); // which takes it out of the query
    await maps.delete('a');
    await expect.poll(() => told.length, { timeout: 60_000 }).toBe(5);
    expect(told).toEqual(['added there', 'added a', 'changed a', 'removed there', 'removed a']);
    expect(informer.items()).toEqual([]);
    expect(informer.isCurrent).toBe(true);
    informer.stop();
  });

  it('needs no watch to know what it has written itself', async () => {
    const informer = newInformer();
    const told = watched(informer);
    await informer.start();
    informer.learn(await maps.create(marked('a')));
    expect(informer.get('a')).toBeDefined();
    await maps.create(marked('b'));
    await expect.poll(() => told, { timeout: 60_000 }).toEqual(['added a', 'added b']);
    informer.stop();
  });

  it('goes on after the API server was away', async () => {
    const informer = newInformer();
    const told = watched(informer);
    await maps.create(marked('a'));
    await informer.start();
    await server.outage(async () => {
      await expect.poll(() => informer.isCurrent, { timeout: 60_000 }).toBe(false);
      expect(informer.items()).toHaveLength(1);
    });
    // A connection from before may be found broken only now.
    await withRetry(systemClock, () => maps.create(marked('b')));
    await withRetry(systemClock, () => maps.delete('a'));
    await expect.poll(() => told, { timeout: 60_000 }).toEqual(['added a', 'added b', 'removed a']);
    informer.stop();
  });

  it('does not rely on a connection that says nothing', async () => {
    const event = { type: 'ADDED', object: { metadata: { name: 'a', resourceVersion: '2' } } };
    let watches = 0;
    const stub = await Stub.start(({ url }, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      if (!url?.includes('watch=true'))
        response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: [] }));
      else if (++watches === 1) response.flushHeaders();
      else response.write(`${JSON.stringify(event)}\n`);
    });
    const warnings: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => warnings.push(line) });
    const opened = await connect({ kubeconfig: stub.kubeconfig, silenceMs: 50 });
    const informer = new Informer<ConfigMap>(
      new ResourceClient(opened, CONFIG_MAPS),
      {},
      { clock: systemClock, logger },
    );
    const told = watched(informer);
    await informer.start();
    await expect.poll(() => told, { timeout: 60_000 }).toEqual(['added a']);
    expect(warnings).toEqual([]);
    informer.stop();
    await opened.close();
    await stub.close();
  });

  it('that is stopped tells nothing more', async () => {
    const informer = newInformer();
    const told = watched(informer);
    await informer.start();
    informer.stop();
    await maps.create(marked('a'));
    const other = newInformer();
    await other.start();
    expect(other.items()).toHaveLength(1);
    expect(told).toEqual([]);
    other.stop();
  });

  it('that may never know anything says so', async () => {
    const unknown = new ResourceClient<ConfigMap>(connection, { ...CONFIG_MAPS, plural: 'nonsense' });
    await expect(newInformer(unknown).start()).rejects.toSatisfy(isNotFound);
  });
});

describe('a watch', () => {
  it('from a version that is not kept any more is told so, in either of the ways there are', async () => {
    const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    const answers = [
      { status: 200, body: `${JSON.stringify({ type: 'ERROR', object: expired })}\n` },
      { status: 410, body: JSON.stringify(expired) },
    ];
    const stub = await Stub.start(({ url }, response) => {
      const { status, body } = url === '/version' ? { status: 200, body: '{}' } : answers.shift()!;
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    const old = await connect({ kubeconfig: stub.kubeconfig });
    const client = new ResourceClient<ConfigMap>(old, CONFIG_MAPS);
    const follow = async (): Promise<void> => {
      for await (const _ of await client.watch('1'));
    };
    await expect(follow()).rejects.toSatisfy(isGone);
    await expect(follow()).rejects.toSatisfy(isGone);
    await old.close();
    await stub.close();
  });
});

describe('connecting', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'infless-connect-'));
    return () => rm(directory, { recursive: true });
  });

  it('to nobody is told in one sentence', async () => {
    const kubeconfig = await writeKubeconfig(directory, { url: 'http://127.0.0.1:1', token: 'x' });
    await expect(connect({ kubeconfig })).rejects.toMatchObject({
      code: 'PLATFORM_FAILED',
      message: expect.stringMatching(/^No cluster answers at http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/),
    });
  });

  it('without the right to is told as that', async () => {
    const { cluster } = JSON.parse(await readFile(server.kubeconfig, 'utf8')).clusters[0];
    const certificate = cluster['certificate-authority-data'];
    const kubeconfig = await writeKubeconfig(directory, {
      url: cluster.server,
      token: 'unknown',
      ...(certificate && { certificate: Buffer.from(certificate, 'base64').toString() }),
    });
    // Who we are is asked for with what needs it: some servers tell anybody their version.
    const stranger = connect({ kubeconfig }).then((opened) =>
      new ResourceClient(opened, CONFIG_MAPS).list().finally(() => opened.close()),
    );
    await expect(stranger).rejects.toThrow(/Unauthorized/);
  });

  it('needs a kubeconfig that can be read, and the context that is asked for', async () => {
    await expect(connect({ kubeconfig: join(directory, 'none') })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('cannot be read'),
    });
    const broken = join(directory, 'broken');
    await writeFile(broken, '{');
    await expect(connect({ kubeconfig: broken })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(connect({ kubeconfig: server.kubeconfig, context: 'other' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'The kubeconfig has no context "other"',
      remedy: 'Choose one of test.',
    });
  });

  it('takes the namespace that is asked for, else a default', async () => {
    const plain = await connect({ kubeconfig: server.kubeconfig });
    expect(plain.namespace).toBe('infless');
    await plain.close();
    expect(connection.namespace).toMatch(/^test-/);
  });
});
