import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './load.mjs';
import { Autoscaler, body, kill, servingProcesses, until } from './world.mjs';

/** One of the instances is killed every 10 s. */
export async function killInstances(scale) {
  const autoscaler = await Autoscaler.start();
  try {
    await autoscaler.declare();
    await autoscaler.ready();
    const load = new Load(() => autoscaler.url);
    let slowestMs = 0;
    for (let round = 0; round < Math.max(2, 30 * scale); round += 1) {
      const [pid] = (await autoscaler.pids()).sort(() => Math.random() - 0.5);
      kill(pid, 'SIGKILL');
      await sleep(1_000); // the platform has seen it
      slowestMs = Math.max(
        slowestMs,
        1_000 + (await until(async () => await isComplete(autoscaler), 30_000)),
      );
      await sleep(Math.max(0, 10_000 - slowestMs));
    }
    const outcome = await load.end();
    return { ...outcome, recoveredMs: slowestMs, held: outcome.failed === 0, what: load.failureText };
  } finally {
    await autoscaler.stop();
  }
}

async function isComplete(autoscaler) {
  return (await autoscaler.instances()).filter(({ phase }) => phase === 'ready').length >= 3;
}

const START_UP_MS = 5_000;

/**
 * The autoscaler is killed at random moments of starting and stopping instances; the next one has to answer from
 * what it finds, and to leave nothing of what it does not. Requests that fail while no one listens do not count.
 */
export async function killAutoscaler(scale) {
  let autoscaler = await Autoscaler.start();
  const { stateDirectory } = autoscaler;
  const rounds = Math.max(3, Math.round(200 * scale));
  let slowestMs = 0;
  let answered = 0;
  let leaked = 0;
  try {
    await autoscaler.declare();
    await autoscaler.ready(1);
    for (let round = 0; round < rounds; round += 1) {
      // a redeployment starts and stops instances, and is cut off somewhere in between
      const change = { name: 'digits', model: 'mnist', slo: '500ms', limits: { cpu: 0.5 } };
      void autoscaler
        .declare({
          ...change,
          scale: { min: 1 + (round % 3), max: 3 },
          environment: { ROUND: String(round >> 2) },
        })
        .catch(() => {});
      await sleep(Math.random() * 1_500);
      autoscaler.signal('SIGKILL');
      await autoscaler.exited;
      const startMs = performance.now();
      autoscaler = await Autoscaler.start({ stateDirectory });
      await until(async () => (await answer(autoscaler)) === 200, 30_000);
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
      answered += 1;
    }
    await sleep(2_000);
    const known = new Set((await autoscaler.pids()).map(Number));
    leaked = (await servingProcesses(stateDirectory)).filter((pid) => !known.has(pid)).length;
  } finally {
    await autoscaler.stop();
  }
  const left = (await servingProcesses(stateDirectory)).length;
  const held = answered === rounds && leaked === 0 && left === 0 && slowestMs <= 5_000 + START_UP_MS;
  const outcome = { sent: rounds, inTime: answered, late: 0, failed: rounds - answered };
  return { ...outcome, recoveredMs: slowestMs, held, what: `${leaked + left} processes leaked` };
}

async function answer(autoscaler) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${autoscaler.url}/function/digits`, {
    method: 'POST',
    headers,
    body: body(),
  });
  await response.arrayBuffer();
  return response.status;
}
