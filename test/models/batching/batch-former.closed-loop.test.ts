import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { TimeQueue } from '../../../models/base/time-queue.ts';
import { BatchFormer } from '../../../models/batching/batch-former.ts';
import type { Waiting } from '../../../models/batching/deadline-queue.ts';

interface Loop {
  readonly clients: number;
  readonly servers: number;
  readonly maxBatch: number;
  readonly executionMs: (rows: number) => number;
  readonly sloMs: number;
  readonly forMs: number;
}

interface Outcome {
  readonly perSecond: number;
  readonly longestMs: number;
  /** Clients that wait at the end, by how long they have. */
  readonly waitingMs: readonly number[];
  readonly lateShareOfPlaces: number;
}

/** Clients that send the next request some 0.3 ms after each answer. */
function run({ clients, servers, maxBatch, executionMs, sloMs, forMs }: Loop): Outcome {
  const random = seededRandom(1);
  const former = new BatchFormer<Waiting>({ queueLimit: 10_000, latePolicy: 'serve' });
  const times = new TimeQueue<() => void>();
  const all = Array.from({ length: servers }, (_, key) => ({ key, maxBatch, executionMs, idleAtMs: 0 }));
  const isBusy = all.map(() => false);
  const waiting = new Set<Waiting>();
  let [answered, late, longestMs, nowMs, wakeAtMs] = [0, 0, 0, 0, Infinity];

  const send = (): void => {
    const request = { arrivalMs: nowMs, deadlineMs: nowMs + sloMs, expiresAtMs: Infinity };
    waiting.add(request);
    former.offer(request);
  };
  const sendSoon = (): void => times.add(nowMs + 0.15 + 0.3 * random(), send);
  for (let client = 0; client < clients; client += 1) sendSoon();

  while (nowMs < forMs) {
    nowMs = Math.min(times.first?.atMs ?? Infinity, wakeAtMs);
    while (times.first !== undefined && times.first.atMs <= nowMs) times.take()!.item();
    const idle = all.filter(({ key }) => !isBusy[key]);
    const busy = all.filter(({ key }) => isBusy[key]);
    const decision = former.decide(nowMs, idle, busy);
    wakeAtMs = decision.wakeAtMs ?? Infinity;
    for (const { server, requests } of decision.batches) {
      const doneMs = nowMs + executionMs(requests.length) * (0.95 + 0.1 * random());
      all[server]!.idleAtMs = doneMs;
      isBusy[server] = true;
      late += requests.filter(({ deadlineMs }) => deadlineMs < doneMs).length;
      times.add(doneMs, () => {
        isBusy[server] = false;
        former.answered(nowMs);
        for (const request of requests) {
          waiting.delete(request);
          answered += 1;
          longestMs = Math.max(longestMs, nowMs - request.arrivalMs);
          sendSoon();
        }
      });
    }
  }
  const waitingMs = [...waiting].map(({ arrivalMs }) => nowMs - arrivalMs);
  return { perSecond: (answered * 1000) / forMs, longestMs, waitingMs, lateShareOfPlaces: late / answered };
}

const TEXT = { maxBatch: 16, executionMs: (rows: number) => 0.4 + 0.33 * rows, sloMs: 50, forMs: 10_000 };

describe('a closed loop', () => {
  it.each([
    [1, 12, 1_900],
    [2, 24, 3_900],
  ])(
    'of %d instances and %d clients is not held up by waiting for who waits already',
    (servers, clients, least) => {
      expect(run({ ...TEXT, servers, clients }).perSecond).toBeGreaterThan(least);
    },
  );

  it('serves every client, though others could always be in time, and the others hardly less for it', () => {
    const { waitingMs, perSecond, lateShareOfPlaces } = run({ ...TEXT, sloMs: 20, servers: 1, clients: 64 });
    expect(perSecond).toBeGreaterThan(2_600);
    expect(lateShareOfPlaces).toBeLessThan(0.015);
    // 48 of them take turns on 1 % of the places
    expect(Math.max(...waitingMs)).toBeLessThan(2_000);
  });
});
