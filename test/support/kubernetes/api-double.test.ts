import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiDouble, type Call } from './api-double.ts';
import { newNamespace } from './api-server.ts';

// What only the double can do, for tests of what goes wrong. All else is in api-server.test.ts, beside the
// real one.
describe('the double of the API server', () => {
  let double: ApiDouble;
  let namespace: string;
  let maps: string;

  beforeAll(async () => {
    double = await ApiDouble.start();
  });
  afterAll(() => double.close());
  beforeEach(async () => {
    namespace = await newNamespace(double);
    maps = `/api/v1/namespaces/${namespace}/configmaps`;
  });

  it('fails as often as it is asked to, where it is asked to', async () => {
    double.fail({ status: 429, retryAfterSeconds: 3, times: 2, method: 'POST', path: /configmaps$/ });
    const create = () => double.requests.create(maps, { metadata: { name: 'a' } });
    expect(await double.requests.items(maps)).toEqual([]);
    await expect(create()).rejects.toMatchObject({ status: 429, reason: 'TooManyRequests' });
    await expect(create()).rejects.toMatchObject({ status: 429 });
    expect((await create()).metadata.name).toBe('a');
  });

  it('fails no more once it has recovered', async () => {
    double.fail({ status: 500, times: Infinity });
    await expect(double.requests.items(maps)).rejects.toMatchObject({ status: 500 });
    double.recover();
    expect(await double.requests.items(maps)).toEqual([]);
  });

  it('breaks connections', async () => {
    double.fail({ status: 'reset' });
    await expect(double.requests.items(maps)).rejects.toThrow(/closed|reset/);
    const watch = double.requests.watch(maps);
    await double.requests.create(maps, { metadata: { name: 'a' } });
    await watch.next();
    const broken = expect(watch.next()).rejects.toThrow();
    double.dropWatches();
    await broken;
  });

  it('forgets history, and bookmarks lead past that', async () => {
    const { metadata } = await double.requests.create(maps, { metadata: { name: 'a' } });
    await double.requests.create(maps, { metadata: { name: 'b' } });
    const watch = double.requests.watch(maps, {
      allowWatchBookmarks: true,
      fieldSelector: 'metadata.name=c',
    });
    const { value: bookmark } = await watch.next();
    expect(bookmark?.type).toBe('BOOKMARK');
    double.compact();
    const from = async (resourceVersion: string) => {
      const events = double.requests.watch(maps, { resourceVersion, timeoutSeconds: 1 });
      return (await events.next()).value;
    };
    expect(await from(metadata.resourceVersion!)).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    expect(await from(bookmark!.object.metadata.resourceVersion!)).toBeUndefined();
    await watch.return(undefined);
  });

  it('expires a list that waits for its next page', async () => {
    for (const name of ['a', 'b', 'c']) await double.requests.create(maps, { metadata: { name } });
    const first = await double.requests.get(maps, { limit: 1 });
    double.compact();
    await double.requests.create(maps, { metadata: { name: 'd' } });
    double.compact();
    const next = double.requests.get(maps, { limit: 1, continue: String(first.metadata.continue) });
    await expect(next).rejects.toMatchObject({ status: 410, reason: 'Expired' });
  });

  it('tells of every request', async () => {
    const calls: Call[] = [];
    const stop = double.onCall((call) => calls.push(call));
    await double.requests.items(maps, { labelSelector: 'a=b' });
    stop();
    await double.requests.items(maps);
    expect(calls.map(({ method, path, query }) => `${method} ${path} ${query}`)).toEqual([
      `GET ${maps} labelSelector=a%3Db`,
    ]);
  });

  it('lets nobody in without the token', async () => {
    expect((await fetch(`${double.url}/api/v1/namespaces`)).status).toBe(401);
  });

  it('has what pods have printed', async () => {
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    await double.requests.create(pods, {
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'm', image: 'x' }] },
    });
    const startMs = Date.parse('2026-01-01T00:00:00Z');
    for (const [index, text] of ['one', 'two', 'three'].entries())
      double.logs.print(namespace, 'a', text, startMs + index * 1000);
    const log = (query: Record<string, string | number | boolean>) =>
      double.requests.text('GET', `${pods}/a/log`, undefined, { query });
    expect(await log({})).toBe('one\ntwo\nthree\n');
    expect(await log({ tailLines: 1, timestamps: true })).toBe('2026-01-01T00:00:02.000000000Z three\n');
    expect(await log({ sinceTime: '2026-01-01T00:00:01Z' })).toBe('two\nthree\n');
    const following = log({ tailLines: 0, follow: true });
    await new Promise<void>((done) => {
      const stop = double.onCall(() => {
        stop();
        done();
      });
    });
    setImmediate(() => {
      double.logs.print(namespace, 'a', 'four', startMs);
      double.logs.end(namespace, 'a');
    });
    expect(await following).toBe('four\n');
  });
});
