import { systemClock } from '../../../../dist/models/base/clock.js';
import { generateInputs } from '../../../../dist/models/manifest/inputs.js';
import { PROTOCOLS } from '../../../../dist/models/protocols/index.js';
import { fillPath } from '../../../../dist/models/protocols/path-template.js';
import { arrivals } from '../../../../dist/profiler/load/arrivals/arrivals.js';
import { constantRate } from '../../../../dist/profiler/load/arrivals/rates.js';
import { pace } from '../../../../dist/profiler/load/open-loop.js';

const DISTINCT_REQUESTS = 4;
/** Of a window: what comes to an empty queue is not counted. */
const UNCOUNTED = 0.05;
const protocol = PROTOCOLS.find(({ name }) => name === 'tensorflow-serving') ?? PROTOCOLS[0];

/** Requests of one row, as JSON of TensorFlow Serving, made before the load. */
export function requestsOf({ manifest }) {
  const path = fillPath(protocol.paths.predict, { model: manifest.name });
  return Array.from({ length: DISTINCT_REQUESTS }, (_, index) => {
    const feeds = generateInputs(manifest, { batch: 1, seed: index + 1 });
    const { contentType, body } = protocol.request(feeds, manifest);
    return { path, contentType, body };
  });
}

/**
 * One window of Poisson arrivals at a rate, whatever the answers. A request counts from when it came to the
 * queue, as at a gateway; the timers' millisecond, by which it may come late, is the generator's.
 *
 * @returns of requests, of which those that failed are late, and of the serving processes' CPU time
 */
export async function window(pool, requests, { ratePerSecond, count, sloMs, seed }, signal) {
  const total = Math.ceil(count * (1 + UNCOUNTED));
  const durationMs = (total * 1000) / ratePerSecond;
  const countFromMs = durationMs * UNCOUNTED;
  const times = arrivals(constantRate(ratePerSecond, durationMs), { type: 'poisson' }, seed);
  const before = await pool.used();
  const flights = [];
  let sent = 0;
  const startMs = systemClock.nowMs();
  const send = (dueMs) => {
    const flight = pool.send(requests[sent++ % requests.length]);
    if (dueMs - startMs >= countFromMs) flights.push(flight);
    else flight.catch(() => undefined);
  };
  await pace(systemClock, { startMs, endMs: startMs + durationMs, times }, send, signal);
  signal.throwIfAborted();
  const answers = await Promise.all(flights);
  const after = await pool.used();
  const latencies = Float64Array.from(answers, ({ latencyMs }) => latencyMs).sort();
  const at = (share) => latencies[Math.max(0, Math.ceil(latencies.length * share) - 1)];
  return {
    requests: answers.length,
    late: latencies.length - latencies.findLastIndex((each) => each <= sloMs) - 1,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuMsPerRequest: (after.cpuMs - before.cpuMs) / sent,
    throttledShare: (after.throttledPeriods - before.throttledPeriods) / (after.periods - before.periods),
    errors: [...new Set(answers.flatMap(({ error }) => error ?? []))].slice(0, 2),
  };
}
