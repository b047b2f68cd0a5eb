import { requestsOf, window } from './load.mjs';
import { Pool, pinTo } from './pool.mjs';
import { highestThatHolds } from './search.mjs';
import { ALLOWED, verdictOf } from './verdict.mjs';

/** Of a promise; a probe of the search has less to show. */
const THOROUGH = { windows: 5, requests: 3_000 };
const PROBE = { windows: 3, requests: 1_500 };
/** A shorter window is over before a queue has built up. */
const SHORTEST_MS = 1_500;
const MOST_REPEATS = 2;
/** Before anything is counted: connections, code and caches get warm. */
const WARM_UP_REQUESTS = 200;

/**
 * Runs what was promised, and loads it.
 *
 * @param what as {@link Pool.open}, and `{promise, signal}`
 * @param context `{quietness, signal, tell}`
 */
export async function runPromise(what, context) {
  const { promise, sloMs } = what;
  return withPool(what, async (pool, requests) => {
    const load = { ratePerSecond: promise.ratePerSecond, sloMs, ...THOROUGH };
    return { sloMs, ...promise, ...(await runWindows(pool, requests, load, context)) };
  });
}

/**
 * The highest rate at which it holds.
 *
 * @param what as {@link runPromise}, and `known`: the share that was late at the rate promised
 */
export async function searchRate(what, context) {
  const { promise, sloMs, known } = what;
  return withPool(what, (pool, requests) =>
    highestThatHolds(promise.ratePerSecond, promise.fluidPerSecond * 1.1, async (ratePerSecond) => {
      if (ratePerSecond === promise.ratePerSecond) return known <= ALLOWED;
      const load = { ratePerSecond, sloMs, ...PROBE };
      const { violationShare } = await runWindows(pool, requests, load, context);
      return violationShare <= ALLOWED;
    }),
  );
}

async function withPool(what, action) {
  const { promise, model } = what;
  const pool = await Pool.open({ ...what, config: promise.config, instances: promise.instances });
  await pinTo(process.pid, what.cores.generator); // not before: processes inherit it
  try {
    const requests = requestsOf(model);
    const warmUp = { ratePerSecond: promise.ratePerSecond / 2, count: WARM_UP_REQUESTS, seed: 0 };
    await window(pool, requests, { ...warmUp, sloMs: what.sloMs }, what.signal);
    return await action(pool, requests);
  } finally {
    await pinTo(process.pid, what.cores.all);
    await pool.close();
  }
}

async function runWindows(pool, requests, load, { quietness, signal, tell }) {
  const { ratePerSecond, sloMs } = load;
  const count = Math.ceil(Math.max(load.requests / load.windows, (ratePerSecond * SHORTEST_MS) / 1000));
  const windows = [];
  let repeated = 0;
  for (let index = 0; index < load.windows; index += 1) {
    for (let attempt = 0; ; attempt += 1) {
      tell(`window ${index + 1} of ${load.windows} at ${ratePerSecond.toPrecision(4)}/s`);
      const seed = 1 + index + load.windows * attempt;
      const { result, disturbed } = await quietness.during(
        () => window(pool, requests, { ratePerSecond, count, sloMs, seed }, signal),
        async () => (await pool.used()).cpuMs,
      );
      if (result.errors.length > 0) tell(`answered with: ${result.errors.join('; ')}`);
      if (disturbed !== undefined && attempt < MOST_REPEATS) {
        repeated += 1;
        continue;
      }
      windows.push({ ...result, ...(disturbed === undefined ? {} : { disturbed }) });
      break;
    }
  }
  return { ...verdictOf(windows), repeated, windows };
}
