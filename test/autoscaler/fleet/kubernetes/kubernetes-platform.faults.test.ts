import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../../../autoscaler/kubernetes/connection.ts';
import { ApiDouble } from '../../../support/kubernetes/api-double.ts';
import { LossyProxy } from '../../../support/kubernetes/lossy-proxy.ts';
import { KubernetesHarness } from './kubernetes-harness.ts';
import { KubernetesLife } from './kubernetes-life.ts';

/** Whatever the environment offers: what goes wrong here the real one does not do on demand. */
let double: ApiDouble;
let harness: KubernetesHarness;
let life: KubernetesLife;

beforeAll(async () => {
  double = await ApiDouble.start();
});
afterAll(() => double.close());
beforeEach(async () => {
  harness = await KubernetesHarness.open(double);
  life = await KubernetesLife.open(harness);
});
afterEach(async () => {
  double.recover();
  await life.platform.close('stop');
  expect(await harness.leftovers()).toEqual([]);
  await harness.dispose();
});

describe('an API server', () => {
  it('that does not remember what happened while it was not watched is asked for all of it', async () => {
    await life.startReady('a', 'b', 'c');
    const { namespace } = harness.connection;
    await harness.player.onStrike(async () => {
      double.fail({ status: 503, method: 'GET', path: /\/pods$/, times: Number.POSITIVE_INFINITY });
      double.dropWatches();
      await harness.player.end('a', 1);
      await double.requests.delete(`/api/v1/namespaces/${namespace}/pods/b`, { gracePeriodSeconds: 0 });
      double.compact();
      double.recover();
    });
    expect(await life.untilGone('a')).toMatchObject({ reason: 'it ended by itself, with exit code 1' });
    expect(await life.untilGone('b')).toMatchObject({ reason: 'its pod was deleted from outside' });
    await life.untilInStep();
    expect(life.phasesOf('b').filter((phase) => phase === 'gone')).toHaveLength(1);
    expect(life.phasesOf('c')).toEqual(['starting', 'ready']);
  });

  it.each([{ status: 429, retryAfterSeconds: 0 }, { status: 500, times: 2 }, { status: 'reset' }] as const)(
    'that answers $status is asked again',
    async (fault) => {
      double.fail({ ...fault, method: 'POST', path: /\/pods$/ });
      await life.startReady('a');
      double.fail({ ...fault, method: 'DELETE', path: /\/pods\/a$/ });
      await life.platform.stop('a', 5_000);
      expect(await life.untilGone('a')).toMatchObject({ expected: true });
    },
  );

  it('whose answer is lost on the way has started the instance, once', async () => {
    const proxy = await LossyProxy.start(double.kubeconfig, (request) => request.method === 'POST');
    const connection = await connect({
      kubeconfig: proxy.kubeconfig,
      namespace: harness.connection.namespace,
    });
    const other = await KubernetesLife.open(harness, { connection });
    await other.startReady('a');
    expect(proxy.lost).toBe(1);
    expect(other.phasesOf('a')).toEqual(['starting', 'ready']);
    await expect(other.start('a')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await other.platform.close('stop');
    await connection.close();
    await proxy.close();
  });

  it('that refuses is not, and its words reach the user', async () => {
    double.fail({ status: 403, method: 'POST', path: /\/pods$/ });
    await expect(life.start('a')).rejects.toMatchObject({
      code: 'PLATFORM_FAILED',
      message: 'Instance a cannot be started: this request was to fail with 403',
      remedy: expect.stringContaining('right'),
    });
    expect(life.platform.instances()).toEqual([]);
    await life.startReady('a');
  });

  it('that cannot be reached for long has no instance forgotten', async () => {
    await life.startReady('a');
    double.fail({ status: 'reset', times: Number.POSITIVE_INFINITY });
    double.dropWatches();
    await expect(life.start('b')).rejects.toMatchObject({ code: 'PLATFORM_FAILED' });
    expect(life.find('a')?.phase).toBe('ready');
    double.recover();
    await life.startReady('b');
    expect(life.phasesOf('a')).toEqual(['starting', 'ready']);
  });
});

describe('logs', () => {
  const print = (id: string, text: string, timestampMs: number): void =>
    double.logs.print(harness.connection.namespace, id, text, timestampMs);

  async function read(query: { tailLines?: number; sinceMs?: number } = {}): Promise<string[]> {
    const lines: string[] = [];
    const signal = AbortSignal.timeout(60_000);
    for await (const { instanceId, text } of life.platform.logs('greeter', {
      ...query,
      follow: false,
      signal,
    }))
      lines.push(`${instanceId}: ${text}`);
    return lines;
  }

  it('of several instances are told in the order of time', async () => {
    await life.startReady('a', 'b');
    print('a', 'one', 1_000_000);
    print('b', 'two', 1_000_250);
    print('a', 'three, with: colons and  spaces', 1_000_500);
    expect(await read()).toEqual(['a: one', 'b: two', 'a: three, with: colons and  spaces']);
    expect(await read({ tailLines: 1 })).toEqual(['b: two', 'a: three, with: colons and  spaces']);
    expect(await read({ sinceMs: 1_000_250 })).toEqual(['b: two', 'a: three, with: colons and  spaces']);
  });

  it('of a function without instances are empty', async () => {
    await life.start('a', 'unschedulable');
    expect(await read()).toEqual([]);
  });

  it('are followed, with instances to come, over a connection that breaks', async () => {
    await life.startReady('a');
    print('a', 'before', 1_000_000);
    const stop = new AbortController();
    const lines: string[] = [];
    const following = (async () => {
      const query = { follow: true, signal: stop.signal };
      for await (const { instanceId, text } of life.platform.logs('greeter', query))
        lines.push(`${instanceId}: ${text}`);
    })();
    await harness.until(() => lines.includes('a: before'));
    await life.startReady('b');
    print('b', 'new here', 1_001_000);
    await harness.until(() => lines.includes('b: new here'));
    await double.outage();
    print('a', 'after', 1_002_000);
    await harness.until(() => lines.includes('a: after'));
    stop.abort();
    await following;
    expect(lines).toEqual(['a: before', 'b: new here', 'a: after']);
  });
});
