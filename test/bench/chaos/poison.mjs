import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './load.mjs';
import { Autoscaler } from './world.mjs';

/** Every body that begins so ends the process that runs it. */
const POISON_MARK = 666;
const FULL_LENGTH_MS = 60_000;

/** Requests that their instance dies of, among good ones: those have to be answered, all of them. */
export async function poison(scale, { everyMs, isAlwaysNew }) {
  const autoscaler = await Autoscaler.start();
  try {
    await autoscaler.declare();
    await autoscaler.ready();
    const good = new Load(() => autoscaler.url);
    let number = 0;
    const bad = new Load(() => autoscaler.url, {
      perSecond: 1000 / everyMs,
      mark() {
        if (!isAlwaysNew) return POISON_MARK;
        number += 1;
        return Number(`${POISON_MARK}${number}`);
      },
    });
    await sleep(Math.max(15_000, FULL_LENGTH_MS * scale));
    const endMs = performance.now();
    await bad.end();
    await autoscaler.ready();
    const recoveredMs = performance.now() - endMs;
    const outcome = await good.end();
    const what = [good.failureText, `poison: ${bad.failureText}`].filter(Boolean).join('; ');
    return { ...outcome, recoveredMs, held: outcome.failed === 0, what };
  } finally {
    await autoscaler.stop();
  }
}
