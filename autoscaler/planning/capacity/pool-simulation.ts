import { randomExponential, randomGamma } from 'd3-random';
import { type Random, seededRandom } from '../../../models/base/random.ts';
import type { LatePolicy } from '../../../models/batching/batch-former.ts';
import { BatchFormer } from '../../../models/batching/batch-former.ts';
import type { Waiting } from '../../../models/batching/deadline-queue.ts';
import type { BusyServer, IdleServer } from '../../../models/batching/servers.ts';

/** One instance of a simulated pool. */
export interface PoolServer {
  readonly maxBatch: number;
  /** What the batch former is told a batch of `rows` takes, in ms. */
  executionMs(rows: number): number;
  /** What it then really takes; `uniform` is a random number in [0, 1). Default: exactly `executionMs`. */
  drawExecutionMs?(rows: number, uniform: number): number;
}

/** Instances behind one queue, and the requests that come at it. */
export interface PoolScenario {
  readonly servers: readonly PoolServer[];
  readonly sloMs: number;
  readonly ratePerSecond: number;
  /** Coefficient of variation of the times between arrivals: 0 = even, 1 = Poisson. */
  readonly arrivalCv: number;
  readonly latePolicy: LatePolicy;
  readonly requests: number;
  readonly seed: number;
}

export interface PoolOutcome {
  /** Share of requests not answered within the SLO. */
  readonly violationShare: number;
  /** Latencies of the answered requests, sorted, in ms. */
  readonly latenciesMs: Float64Array;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A pool starts empty; the first part of a run is not counted. */
const WARM_UP_SHARE = 0.1;
const ROUNDING_MS = 1e-6;
/** A step takes less than a millisecond or two. */
const ARRIVALS_A_STEP = 500;

/** Runs the batch former itself over simulated time. Deterministic for a seed. */
export function simulatePool(scenario: PoolScenario): PoolOutcome {
  const run = poolRun(scenario);
  for (;;) {
    const step = run.next();
    if (step.done) return step.value;
  }
}

/** The same in steps, for callers that have something else to do in between. */
export function* poolRun(scenario: PoolScenario): Generator<void, PoolOutcome, void> {
  const { servers, sloMs, requests, latePolicy } = scenario;
  const random = seededRandom(scenario.seed);
  const nextGapMs = gaps(scenario, random);
  const former = new BatchFormer<Waiting>({ queueLimit: Number.MAX_SAFE_INTEGER, latePolicy });
  const idle: IdleServer<number>[] = servers.map((server, key) => ({
    key,
    maxBatch: server.maxBatch,
    executionMs: (rows) => server.executionMs(rows),
  }));
  const all = [...idle];
  const pool = all.map((server): Mutable<BusyServer> => ({ ...server, idleAtMs: 0 }));
  const busyUntilMs = new Float64Array(servers.length);

  const countFromMs = (requests * WARM_UP_SHARE * 1000) / scenario.ratePerSecond;
  const latenciesMs = new Float64Array(requests);
  let counted = 0;
  let answered = 0;
  let inTime = 0;
  let arrivals = 0;
  let nextArrivalMs = nextGapMs();
  let nextIdleMs = Infinity;
  let wakeAtMs = Infinity;

  const finish = (request: Waiting, endMs: number): void => {
    if (request.arrivalMs < countFromMs) return;
    latenciesMs[answered++] = endMs - request.arrivalMs;
    if (endMs <= request.deadlineMs + ROUNDING_MS) inTime += 1;
  };

  while (arrivals < requests || former.size > 0) {
    const nowMs = Math.min(arrivals < requests ? nextArrivalMs : Infinity, nextIdleMs, wakeAtMs);
    if (arrivals < requests && nextArrivalMs <= nowMs) {
      const deadlineMs = nowMs + sloMs;
      former.offer({
        arrivalMs: nowMs,
        deadlineMs,
        expiresAtMs: latePolicy === 'reject' ? deadlineMs : Infinity,
      });
      arrivals += 1;
      if (nowMs >= countFromMs) counted += 1;
      nextArrivalMs = nowMs + nextGapMs();
      if (arrivals % ARRIVALS_A_STEP === 0) yield;
    }
    if (nextIdleMs <= nowMs) {
      former.answered(nowMs);
      nextIdleMs = release(busyUntilMs, nowMs, (key) => idle.push(all[key]!));
    }
    if (idle.length === 0 && nowMs < wakeAtMs) continue;
    const decision = former.decide(nowMs, idle, pool);
    for (const batch of decision.batches) {
      const server = servers[batch.server]!;
      const rows = batch.requests.length;
      const endMs = nowMs + (server.drawExecutionMs?.(rows, random()) ?? server.executionMs(rows));
      busyUntilMs[batch.server] = endMs;
      pool[batch.server]!.idleAtMs = nowMs + server.executionMs(rows);
      nextIdleMs = Math.min(nextIdleMs, endMs);
      idle.splice(idle.indexOf(all[batch.server]!), 1);
      for (const request of batch.requests) finish(request, endMs);
    }
    wakeAtMs = decision.wakeAtMs ?? Infinity;
  }
  return {
    violationShare: counted === 0 ? 0 : 1 - inTime / counted,
    latenciesMs: latenciesMs.subarray(0, answered).sort(),
  };
}

/** Hands back the servers that are done by now; returns when the next one will be. */
function release(busyUntilMs: Float64Array, nowMs: number, handBack: (key: number) => void): number {
  let nextIdleMs = Infinity;
  for (let key = 0; key < busyUntilMs.length; key += 1) {
    const untilMs = busyUntilMs[key]!;
    if (untilMs === 0) continue;
    if (untilMs > nowMs) nextIdleMs = Math.min(nextIdleMs, untilMs);
    else {
      busyUntilMs[key] = 0;
      handBack(key);
    }
  }
  return nextIdleMs;
}

/** Renewal arrivals: gamma-distributed gaps with the mean and CV asked for. */
function gaps(scenario: PoolScenario, random: Random): () => number {
  const meanMs = 1000 / scenario.ratePerSecond;
  const cv = scenario.arrivalCv;
  if (cv === 0) return () => meanMs;
  if (cv === 1) return randomExponential.source(random)(1 / meanMs);
  return randomGamma.source(random)(1 / cv ** 2, meanMs * cv ** 2);
}
