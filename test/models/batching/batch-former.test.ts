import { describe, expect, it } from 'vitest';
import { BatchFormer, type LatePolicy } from '../../../models/batching/batch-former.ts';
import { namesOf, server, type TestRequest, waiting } from '../../support/waiting-requests.ts';

const SLO_MS = 200;
const MANY = 100;

function formerOf(
  requests: readonly TestRequest[],
  { latePolicy = 'serve', queueLimit = MANY }: { latePolicy?: LatePolicy; queueLimit?: number } = {},
): BatchFormer<TestRequest> {
  const former = new BatchFormer<TestRequest>({ latePolicy, queueLimit });
  for (const request of requests) expect(former.offer(request).accepted).toBe(true);
  return former;
}

/** `count` requests that came every `gapMs`, the last one at `lastMs`. */
function stream(count: number, gapMs: number, lastMs = 0): TestRequest[] {
  return Array.from({ length: count }, (_, index) =>
    waiting(`r${index + 1}`, lastMs - (count - 1 - index) * gapMs),
  );
}

/** What each batch of a decision holds. */
function batchesOf(decision: ReturnType<BatchFormer<TestRequest>['decide']>): Record<string, string[]> {
  return Object.fromEntries(
    decision.batches.map(({ server: key, requests }) => [key as string, namesOf(requests)]),
  );
}

describe('a batch', () => {
  const batching = server('one', 4, 40, 1);

  it('starts at once when it is full, with the most urgent requests first', () => {
    const requests = [waiting('second', 2), waiting('fifth', 9), waiting('third', 3), waiting('first', 1)];
    const former = formerOf([...requests, waiting('fourth', 8)]);
    expect(batchesOf(former.decide(10, [batching]))).toEqual({
      one: ['first', 'second', 'third', 'fourth'],
    });
    expect(former.size).toBe(1);
  });

  it('starts at once with the only request known: nobody says that another will come', () => {
    expect(batchesOf(formerOf([waiting('lonely', 0)]).decide(0, [batching]))).toEqual({ one: ['lonely'] });
  });

  it('waits for company where requests come so fast that leaving would cost those right behind their place', () => {
    const former = formerOf(stream(3, 5));
    const urgentDueMs = -10 + SLO_MS;
    const decision = former.decide(0, [batching]);
    expect(decision.batches).toEqual([]);
    expect(decision.wakeAtMs).toBe(urgentDueMs - batching.executionMs(4));
    expect(batchesOf(former.decide(decision.wakeAtMs!, [batching]))).toEqual({ one: ['r1', 'r2', 'r3'] });
  });

  it('does not wait where requests come so slowly that they can follow', () => {
    expect(batchesOf(formerOf(stream(2, 60)).decide(0, [batching]))).toEqual({ one: ['r1', 'r2'] });
  });

  it('does not take a request that comes back for another that comes', () => {
    const former = formerOf([waiting('lonely', 0)]);
    const [batch] = former.decide(0, [batching]).batches;
    for (const request of batch!.requests) former.offer(request, false);
    expect(batchesOf(former.decide(10, [batching]))).toEqual({ one: ['lonely'] });
  });

  it('does not wait while a second instance is idle', () => {
    const idle = [batching, server('two', 4, 40, 1)];
    const decision = formerOf(stream(3, 5)).decide(0, idle);
    expect(batchesOf(decision)).toEqual({ one: ['r1', 'r2', 'r3'] });
  });

  it('does not wait where a batch is no cheaper than its requests one by one', () => {
    const linear = server('one', 4, 0, 40);
    expect(batchesOf(formerOf(stream(3, 5)).decide(0, [linear]))).toEqual({ one: ['r1', 'r2', 'r3'] });
  });

  it('does not wait for longer than bursts are silent', () => {
    const slower = server('one', 4, 60, 10);
    const former = formerOf([]);
    for (let burst = 0; burst < 60; burst += 1) {
      for (const request of stream(20, 5, burst * 1_000 + 95)) former.offer(request);
      former.drain();
    }
    for (const request of stream(3, 5, 60_010)) former.offer(request);
    const { batches, wakeAtMs } = former.decide(60_010, [slower]);
    expect(batches).toEqual([]);
    expect(wakeAtMs).toBeGreaterThan(60_010);
    expect(wakeAtMs).toBeLessThanOrEqual(60_018);
    expect(batchesOf(former.decide(wakeAtMs!, [slower]))).toEqual({ one: ['r1', 'r2', 'r3'] });
  });

  it('takes no more requests than end within the most urgent one’s deadline', () => {
    const former = formerOf(stream(3, 1));
    const slow = server('one', 4, 40, 40); // 80, 120, 160, 200
    expect(batchesOf(former.decide(50, [slow]))).toEqual({ one: ['r1', 'r2'] });
  });

  it('lets one request go late where that lets several others through', () => {
    const slow = server('one', 4, 40, 10); // 50, 60, 70, 80
    const former = formerOf([waiting('hopeless', -145), ...stream(5, 1, -50)]);
    expect(batchesOf(former.decide(0, [slow]))).toEqual({ one: ['r1', 'r2', 'r3', 'r4'] });
  });
});

describe('a late request', () => {
  const quick = server('one', 1, 50);

  it('steps aside for those that can be in time, and is answered after them', () => {
    const former = formerOf([waiting('late', -180), waiting('in time', 0)]);
    expect(batchesOf(former.decide(0, [quick]))).toEqual({ one: ['in time'] });
    expect(batchesOf(former.decide(50, [quick]))).toEqual({ one: ['late'] });
  });

  it('takes an instance that nobody in time needs', () => {
    const former = formerOf([waiting('late', -180), waiting('in time', 0)]);
    const decision = former.decide(0, [quick, server('two', 1, 50)]);
    expect(batchesOf(decision)).toEqual({ one: ['in time'], two: ['late'] });
  });

  it('is given up at once where the policy is to reject', () => {
    const former = formerOf([waiting('late', -180), waiting('in time', 0)], { latePolicy: 'reject' });
    const decision = former.decide(0, [quick]);
    expect(namesOf(decision.expired)).toEqual(['late']);
    expect(batchesOf(decision)).toEqual({ one: ['in time'] });
  });

  it('is given up when its time to wait is over, even without any instance', () => {
    const former = formerOf([waiting('patient', 0, { expiresAtMs: 5_000 })]);
    expect(former.decide(0, [])).toEqual({ batches: [], expired: [], wakeAtMs: 5_000 });
    expect(namesOf(former.decide(5_000, []).expired)).toEqual(['patient']);
    expect(former.size).toBe(0);
  });
});

describe('a full queue', () => {
  it('refuses a request where all that wait can be in time', () => {
    const former = formerOf(stream(3, 1), { queueLimit: 3 });
    expect(former.offer(waiting('new', 0))).toEqual({ accepted: false, displaced: [] });
    expect(former.size).toBe(3);
  });

  it('gives a late request’s place to a new one', () => {
    const former = formerOf([waiting('late', -180), ...stream(2, 1)], { queueLimit: 3 });
    former.decide(0, [server('one', 1, 50)]); // sets the late one aside and starts r1
    former.offer(waiting('r3', 0));
    const { accepted, displaced } = former.offer(waiting('new', 1));
    expect(accepted).toBe(true);
    expect(namesOf(displaced)).toEqual(['late']);
  });

  it('knows who is late although every instance was busy all the time', () => {
    const former = formerOf([waiting('late', -300), waiting('in time', 0)], { queueLimit: 2 });
    const { accepted, displaced } = former.offer(waiting('new', 1));
    expect(accepted).toBe(true);
    expect(namesOf(displaced)).toEqual(['late']);
  });
});

describe('taking back', () => {
  it('withdraws a request that waits, whether in time or late, and none that has started', () => {
    const requests = [waiting('late', -180), waiting('first', 0), waiting('second', 1)];
    const former = formerOf(requests);
    former.decide(1, [server('one', 1, 50)]);
    expect(requests.map((request) => former.withdraw(request))).toEqual([true, false, true]);
    expect(former.size).toBe(0);
  });

  it('drains everything', () => {
    const former = formerOf([waiting('late', -180), waiting('first', 0), waiting('second', 1)]);
    former.decide(1, [server('one', 1, 50)]);
    expect(namesOf(former.drain())).toEqual(['second', 'late']);
    expect(former.size).toBe(0);
  });
});

describe('instances that differ', () => {
  const small = server('small', 1, 30);
  const large = server('large', 8, 60, 2);
  const slow = server('slow', 1, 150);

  it('leaves the large one free for a burst when the small one will do', () => {
    expect(batchesOf(formerOf([waiting('r1', 0)]).decide(0, [large, small]))).toEqual({ small: ['r1'] });
  });

  it('gives a burst to the large one', () => {
    const decision = formerOf(stream(9, 1)).decide(0, [small, large]);
    expect(batchesOf(decision)).toEqual({
      large: ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8'],
      small: ['r9'],
    });
  });

  it('gives an urgent request to one that is quick enough, though another would be filled better', () => {
    const former = formerOf([waiting('urgent', -100)]);
    expect(batchesOf(former.decide(0, [slow, large]))).toEqual({ large: ['urgent'] });
  });

  it('keeps an urgent request for a quick one that will be idle soon, and gives the slow one what it can do', () => {
    const former = formerOf([waiting('urgent', -100), waiting('fresh', 0)]);
    const busy = [{ idleAtMs: 20, executionMs: () => 30 }];
    const decision = former.decide(0, [slow], busy);
    expect(batchesOf(decision)).toEqual({ slow: ['fresh'] });
    expect(batchesOf(former.decide(20, [small]))).toEqual({ small: ['urgent'] });
  });

  it('stops waiting for the quick one when that takes too long after all', () => {
    const former = formerOf([waiting('urgent', -100)]);
    const busy = [{ idleAtMs: 20, executionMs: () => 30 }];
    const decision = former.decide(0, [slow], busy);
    expect(decision).toEqual({ batches: [], expired: [], wakeAtMs: 100 });
    expect(batchesOf(former.decide(100, [slow], busy))).toEqual({ slow: ['urgent'] });
  });
});
