import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Connection, connect } from '../../../../autoscaler/kubernetes/connection.ts';
import {
  DEFAULT_ELECTION_SETTINGS,
  type ElectionSettings,
} from '../../../../autoscaler/kubernetes/leadership/election.ts';
import { Leadership } from '../../../../autoscaler/kubernetes/leadership/leadership.ts';
import { newIdentity, WatchedLease } from '../../../../autoscaler/kubernetes/leadership/watched-lease.ts';
import { systemClock } from '../../../../models/base/clock.ts';
import { type ApiServer, newNamespace, openApiServer } from '../../../support/kubernetes/api-server.ts';

const logger = pino({ level: 'silent' });
/** For a test that waits until a lease is lost. */
const HASTY: ElectionSettings = { durationMs: 5_000, deposedAfterMs: 2_500, renewEveryMs: 500 };

describe('leadership by a lease of the API server', () => {
  let server: ApiServer;

  beforeAll(async () => {
    server = await openApiServer();
  }, 120_000);
  afterAll(() => server?.close());

  async function join(
    namespace: string,
    settings = DEFAULT_ELECTION_SETTINGS,
  ): Promise<{ identity: string; leadership: Leadership; turns: boolean[] }> {
    const connection: Connection = await connect({ kubeconfig: server.kubeconfig, namespace });
    const identity = newIdentity();
    const turns: boolean[] = [];
    const leadership = new Leadership({
      leaseName: 'autoscaler',
      candidate: { identity, gatewayUrl: `http://${identity}.example` },
      lease: new WatchedLease(connection, 'autoscaler', { clock: systemClock, logger }),
      clock: systemClock,
      logger,
      onChange: (isLeader) => turns.push(isLeader),
      settings,
    });
    leadership.start();
    onTestFinished(async () => {
      await leadership.stop();
      await connection.close();
    });
    return { identity, leadership, turns };
  }

  const holds = (condition: () => void): Promise<void> =>
    vi.waitFor(condition, { timeout: 50_000, interval: 10 });

  it('is of one of two; when it goes the other follows, and knows before where to send requests', async () => {
    const namespace = await newNamespace(server);
    const two = await Promise.all([join(namespace), join(namespace)]);
    await holds(() => {
      expect(two.filter(({ leadership }) => leadership.isLeader)).toHaveLength(1);
      expect(two.filter(({ leadership }) => leadership.leaderUrl !== undefined)).toHaveLength(1);
    });
    const [leader, other] = two[0].leadership.isLeader ? two : two.toReversed();
    expect(other!.leadership.leaderUrl).toBe(`http://${leader!.identity}.example`);

    const lease = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/autoscaler`;
    expect(await server.requests.get(lease)).toMatchObject({
      metadata: { annotations: { 'infless.io/gateway-url': `http://${leader!.identity}.example` } },
      spec: { holderIdentity: leader!.identity, leaseDurationSeconds: 15, leaseTransitions: 0 },
    });
    await leader!.leadership.stop();
    await holds(() => expect(other!.leadership.isLeader).toBe(true));
    expect(leader!.turns).toEqual([true, false]);
    expect(other!.turns).toEqual([true]);
    expect(await server.requests.get(lease)).toMatchObject({
      spec: { holderIdentity: other!.identity, leaseTransitions: 1 },
    });
  });

  it('is lost while the API server is away, and found again', async () => {
    const namespace = await newNamespace(server);
    const { turns, leadership } = await join(namespace, HASTY);
    await holds(() => expect(leadership.isLeader).toBe(true));
    await server.outage(() => holds(() => expect(leadership.isLeader).toBe(false)));
    await holds(() => expect(leadership.isLeader).toBe(true));
    expect(turns.slice(-2)).toEqual([false, true]);
  });
});
