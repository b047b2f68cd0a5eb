import type { Config } from '../../../profiles/config.ts';
import type { ServiceTimes } from '../../latency/service-times.ts';
import { poolRun } from './pool-simulation.ts';

export interface Forecast {
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of requests later than the SLO. */
  readonly violationShare: number;
}

export interface ForecastRequest {
  readonly times: ServiceTimes;
  readonly pool: readonly Config[];
  readonly ratePerSecond: number;
  readonly arrivalCv: number;
  readonly sloMs: number;
  readonly percentile: number;
}

const REQUESTS = 20_000;
const SEED = 1;

/**
 * What the table predicts for a pool at a rate: the batch former runs over simulated arrivals, each batch
 * taking a time drawn from its cell's distribution. Undefined without instances or demand.
 */
export function forecast(request: ForecastRequest): Forecast | undefined {
  const run = forecastRun(request);
  for (;;) {
    const step = run.next();
    if (step.done) return step.value;
  }
}

/**
 * The same, in steps of about a millisecond: who answers requests beside does so between them.
 *
 * @param pause awaited after each step
 */
export async function forecastInSteps(
  request: ForecastRequest,
  pause: () => Promise<void>,
): Promise<Forecast | undefined> {
  const run = forecastRun(request);
  for (;;) {
    const step = run.next();
    if (step.done) return step.value;
    await pause();
  }
}

function* forecastRun(request: ForecastRequest): Generator<void, Forecast | undefined, void> {
  const { times, pool, ratePerSecond, percentile } = request;
  if (pool.length === 0 || ratePerSecond <= 0) return undefined;
  const servers = pool.map((config) => ({
    maxBatch: config.batch,
    executionMs: (rows: number) => times.batchMs(config, rows, percentile / 100),
    drawExecutionMs: (rows: number, uniform: number) => times.batchMs(config, rows, drawnQuantile(uniform)),
  }));
  const { latenciesMs, violationShare } = yield* poolRun({
    servers,
    sloMs: request.sloMs,
    ratePerSecond,
    arrivalCv: request.arrivalCv,
    latePolicy: 'serve',
    requests: REQUESTS,
    seed: SEED,
  });
  const at = (share: number): number => latenciesMs[Math.max(0, Math.ceil(latenciesMs.length * share) - 1)]!;
  return { ratePerSecond, p50Ms: at(0.5), p99Ms: at(0.99), violationShare };
}

/** A few levels stand for the distribution: the table knows its upper half by p50, p95 and p99 only. */
const QUANTILE_STEPS = 40;

function drawnQuantile(uniform: number): number {
  return Math.min(0.995, Math.max(0.5, (Math.floor(uniform * QUANTILE_STEPS) + 0.5) / QUANTILE_STEPS));
}
