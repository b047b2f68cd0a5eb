import { randomExponential } from 'd3-random';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../models/base/random.ts';
import { BatchFormer } from '../../../models/batching/batch-former.ts';
import type { Waiting } from '../../../models/batching/deadline-queue.ts';
import { namesOf, waiting } from '../../support/waiting-requests.ts';

const SLO_MS = 600;
const MAX_BATCH = 4;
/**
 * Alone 120 ms, four together 270: a pool that falls back to single requests carries little more than half.
 */
const executionMs = (rows: number): number => 70 + 50 * rows;

describe('a backlog', () => {
  it('is entered where a full batch is still in time, however far down that is', () => {
    const former = new BatchFormer<ReturnType<typeof waiting>>({ latePolicy: 'serve', queueLimit: 1000 });
    for (let index = 0; index < 240; index += 1) {
      former.offer({ ...waiting(`at ${index * 2}`, index * 2), deadlineMs: index * 2 + SLO_MS });
    }
    const nowMs = 480; // the first one could just be served alone
    const server = { key: 'one', maxBatch: MAX_BATCH, executionMs };
    const [batch] = former.decide(nowMs, [server]).batches;
    expect(namesOf(batch!.requests)).toEqual(['at 150', 'at 152', 'at 154', 'at 156']);
  });

  it.each(['serve', 'reject'] as const)('is gone soon after an overload (late: %s)', (latePolicy) => {
    const servers = 40;
    const fluidPerMs = (servers * MAX_BATCH) / executionMs(MAX_BATCH);
    const load = (nowMs: number): number => (nowMs >= 5_000 && nowMs < 8_000 ? 1.15 : 0.93);
    const violationsIn = run({
      servers,
      latePolicy,
      ratePerMs: (nowMs) => load(nowMs) * fluidPerMs,
      untilMs: 20_000,
    });
    expect(violationsIn(0, 5_000)).toBe(0);
    // An overload of 15 % costs those 15 %, and not the others.
    expect(violationsIn(5_000, 10_000)).toBeLessThan(0.15);
    expect(violationsIn(10_000, 20_000)).toBeLessThan(0.005);
  });
});

interface Load {
  readonly servers: number;
  readonly latePolicy: 'serve' | 'reject';
  readonly ratePerMs: (nowMs: number) => number;
  readonly untilMs: number;
}

/**
 * Poisson arrivals at equal servers; returns the share of requests not in time among those that came in a
 * stretch.
 */
function run({ servers, latePolicy, ratePerMs, untilMs }: Load): (fromMs: number, toMs: number) => number {
  const gapMs = randomExponential.source(seededRandom(1))(1);
  const former = new BatchFormer<Waiting>({ latePolicy, queueLimit: 10_000 });
  const all = Array.from({ length: servers }, (_, key) => ({
    key,
    maxBatch: MAX_BATCH,
    executionMs,
    idleAtMs: 0,
  }));
  const inTime = new Map<Waiting, boolean>();
  let nextMs = gapMs() / ratePerMs(0);
  while (nextMs < untilMs) {
    const nowMs = Math.min(nextMs, ...all.map(({ idleAtMs }) => idleAtMs).filter((atMs) => atMs > 0));
    for (const server of all) if (server.idleAtMs <= nowMs) server.idleAtMs = 0;
    if (nextMs === nowMs) {
      const deadlineMs = nowMs + SLO_MS;
      const request = {
        arrivalMs: nowMs,
        deadlineMs,
        expiresAtMs: latePolicy === 'reject' ? deadlineMs : Infinity,
      };
      inTime.set(request, false);
      former.offer(request);
      nextMs += gapMs() / ratePerMs(nowMs);
    }
    const idle = all.filter(({ idleAtMs }) => idleAtMs === 0);
    const busy = all.filter(({ idleAtMs }) => idleAtMs > 0);
    for (const { server, requests } of former.decide(nowMs, idle, busy).batches) {
      all[server]!.idleAtMs = nowMs + executionMs(requests.length);
      for (const request of requests) inTime.set(request, all[server]!.idleAtMs <= request.deadlineMs);
    }
  }
  return (fromMs, toMs) => {
    const came = [...inTime].filter(([{ arrivalMs }]) => arrivalMs >= fromMs && arrivalMs < toMs);
    return came.filter(([, wasInTime]) => !wasInTime).length / came.length;
  };
}
