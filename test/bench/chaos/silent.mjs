import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './load.mjs';
import { Autoscaler, kill, until } from './world.mjs';

/** An instance is stopped (SIGSTOP): what is on it has to be answered elsewhere within 2 s and a batch. */
export async function stopped(scale) {
  const autoscaler = await Autoscaler.start();
  try {
    await autoscaler.declare();
    await autoscaler.ready();
    const load = new Load(() => autoscaler.url);
    let slowestMs = 0;
    for (let round = 0; round < Math.max(1, Math.round(6 * scale)); round += 1) {
      await sleep(2_000);
      const [pid] = await autoscaler.pids();
      const startMs = performance.now();
      kill(pid, 'SIGSTOP');
      await sleep(1_000);
      await until(async () => !(await autoscaler.pids()).includes(pid), 60_000);
      await autoscaler.ready();
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
    }
    const outcome = await load.end();
    return { ...outcome, recoveredMs: slowestMs, held: outcome.failed === 0, what: load.failureText };
  } finally {
    await autoscaler.stop();
  }
}

const STUCK_MARK = 777;
const FOUND_WITHIN_MS = 10_000;

/** An inference thread runs for ever, while its process answers whether it is ready. */
export async function stuck() {
  const autoscaler = await Autoscaler.start();
  try {
    await autoscaler.declare();
    await autoscaler.ready();
    const before = await autoscaler.pids();
    let marks = 1; // one request, which is refused when it did the same again
    const load = new Load(() => autoscaler.url, {
      mark: (number) => (number > 40 && marks-- > 0 ? STUCK_MARK : number),
      mayFail: [422],
    });
    await sleep(1_500);
    const foundMs = await until(async () => {
      const now = await autoscaler.pids();
      return before.some((pid) => !now.includes(pid));
    }, 60_000);
    await sleep(20_000);
    await autoscaler.ready();
    const outcome = await load.end();
    const held = outcome.failed === 0 && foundMs <= FOUND_WITHIN_MS;
    return { ...outcome, recoveredMs: foundMs, held, what: load.failureText };
  } finally {
    await autoscaler.stop();
  }
}
