import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchFormer, type LatePolicy } from '../../../models/batching/batch-former.ts';
import type { IdleServer } from '../../../models/batching/servers.ts';
import { server, type TestRequest, waiting } from '../../support/waiting-requests.ts';

interface Scenario {
  readonly servers: readonly IdleServer<string>[];
  readonly requests: readonly TestRequest[];
  /** Those whose clients hang up, and when, by index of the request. */
  readonly hangUps: ReadonlyMap<number, number>;
  readonly latePolicy: LatePolicy;
  readonly queueLimit: number;
}

interface StartedBatch {
  readonly atMs: number;
  readonly server: IdleServer<string>;
  readonly requests: readonly TestRequest[];
}

interface Run {
  readonly batches: readonly StartedBatch[];
  /** What became of each request, once for each time that it was told. */
  readonly fates: ReadonlyMap<string, readonly string[]>;
}

const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    servers: fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 150 }),
        fc.integer({ min: 0, max: 30 }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
    gaps: fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 150 })), {
      minLength: 1,
      maxLength: 80,
    }),
    sloMs: fc.integer({ min: 20, max: 400 }),
    patienceMs: fc.integer({ min: 0, max: 1000 }),
    hangUps: fc.array(fc.tuple(fc.nat(79), fc.nat(300)), { maxLength: 5 }),
    latePolicy: fc.constantFrom<LatePolicy>('serve', 'reject'),
    queueLimit: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ servers, gaps, sloMs, patienceMs, hangUps, latePolicy, queueLimit }) => {
    let arrivalMs = 0;
    return {
      servers: servers.map(([maxBatch, baseMs, perRowMs], index) =>
        server(`s${index}`, maxBatch, baseMs, perRowMs),
      ),
      requests: gaps.map((gapMs, index) => {
        arrivalMs += gapMs;
        return waiting(`r${index}`, arrivalMs, { sloMs, expiresAtMs: arrivalMs + sloMs + patienceMs });
      }),
      hangUps: new Map(hangUps),
      latePolicy,
      queueLimit,
    };
  });

/**
 * Plays a scenario through a batch former as a dispatcher would, checking what each single decision promises.
 */
function play({ servers, requests, hangUps, latePolicy, queueLimit }: Scenario): Run {
  const former = new BatchFormer<TestRequest>({ latePolicy, queueLimit });
  const batches: StartedBatch[] = [];
  const fates = new Map<string, string[]>(requests.map(({ name }) => [name, []]));
  const tell = (request: TestRequest, fate: string): void => {
    fates.get(request.name)!.push(fate);
  };
  const idleAtMs = new Map(servers.map(({ key }) => [key, -Infinity]));
  const hangUpsMs = [...hangUps].flatMap(([index, afterMs]) =>
    requests[index] === undefined
      ? []
      : [{ request: requests[index], atMs: requests[index].arrivalMs + afterMs }],
  );
  const momentsAfter = (nowMs: number): number[] =>
    [
      ...requests.map(({ arrivalMs }) => arrivalMs),
      ...hangUpsMs.map(({ atMs }) => atMs),
      ...idleAtMs.values(),
    ].filter((atMs) => atMs > nowMs);

  for (let nowMs = -1, wakeAtMs: number | undefined; ; ) {
    nowMs = Math.min(...momentsAfter(nowMs), wakeAtMs ?? Infinity);
    if (nowMs === Infinity) break;
    for (const request of requests.filter(({ arrivalMs }) => arrivalMs === nowMs)) {
      const { accepted, displaced } = former.offer(request);
      if (!accepted) tell(request, 'refused');
      for (const other of displaced) tell(other, 'displaced');
    }
    for (const { request, atMs } of hangUpsMs) {
      if (atMs === nowMs && former.withdraw(request)) tell(request, 'withdrawn');
    }
    const idle = servers.filter(({ key }) => idleAtMs.get(key)! <= nowMs);
    const busy = servers
      .filter((it) => !idle.includes(it))
      .map((it) => ({ idleAtMs: idleAtMs.get(it.key)!, executionMs: it.executionMs }));
    const decision = former.decide(nowMs, idle, busy);
    wakeAtMs = decision.wakeAtMs;
    for (const request of decision.expired) tell(request, 'expired');
    for (const batch of decision.batches) {
      const chosen = idle.find(({ key }) => key === batch.server)!;
      expect(idleAtMs.get(chosen.key)).toBeLessThanOrEqual(nowMs); // not chosen twice in one decision
      idleAtMs.set(chosen.key, nowMs + chosen.executionMs(batch.requests.length));
      batches.push({ atMs: nowMs, server: chosen, requests: batch.requests });
      for (const request of batch.requests) tell(request, 'answered');
    }
    if (wakeAtMs !== undefined) expect(wakeAtMs).toBeGreaterThan(nowMs);
    const isIdle = decision.batches.length < idle.length;
    if (isIdle && former.size > 0) expect(wakeAtMs).toBeDefined();
  }
  expect(former.size).toBe(0);
  return { batches, fates };
}

function endsInTime({ atMs, server: at, requests }: StartedBatch): boolean {
  return requests.every(({ deadlineMs }) => at.executionMs(requests.length) <= deadlineMs - atMs);
}

describe('whatever comes at a batch former', () => {
  it('every request has exactly one fate', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        for (const [name, fates] of play(scenario).fates) expect(fates, name).toHaveLength(1);
      }),
    );
  });

  it('batches are no larger than their instance allows, and in the order of deadlines', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        for (const { server: at, requests } of play(scenario).batches) {
          expect(requests.length).toBeGreaterThan(0);
          expect(requests.length).toBeLessThanOrEqual(at.maxBatch);
          const deadlines = requests.map(({ deadlineMs }) => deadlineMs);
          expect(deadlines).toEqual(deadlines.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it('a batch is in time for all its requests or, where late ones are served, for none that could have been', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        for (const batch of play(scenario).batches) {
          if (scenario.latePolicy === 'reject') expect(endsInTime(batch)).toBe(true);
          else if (!endsInTime(batch)) {
            const quickestMs = batch.server.executionMs(1);
            for (const { deadlineMs } of batch.requests) {
              expect(deadlineMs - batch.atMs).toBeLessThan(quickestMs);
            }
          }
        }
      }),
    );
  });

  it('a lone request on an idle pool is answered in time if any instance can', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const [first] = scenario.requests;
        const alone = { ...scenario, requests: [first!], hangUps: new Map() };
        const possible = scenario.servers.some(
          (it) => it.executionMs(1) <= first!.deadlineMs - first!.arrivalMs,
        );
        const [batch] = play(alone).batches;
        expect(batch !== undefined && endsInTime(batch)).toBe(possible);
      }),
    );
  });
});
