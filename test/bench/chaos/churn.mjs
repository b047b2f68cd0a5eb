import { Load } from './load.mjs';
import { Autoscaler, FUNCTION } from './world.mjs';

/** Functions are made and deleted beside a load: nothing of them may stay. */
export async function churn(scale) {
  const autoscaler = await Autoscaler.start();
  try {
    await autoscaler.declare();
    await autoscaler.ready();
    const load = new Load(() => autoscaler.url);
    const before = await seriesOf(autoscaler);
    const functions = Math.max(10, Math.round(500 * scale));
    let refused = 0;
    for (let number = 0; number < functions; number += 1) {
      const name = `passing-${number}`;
      const made = await autoscaler.declare({ ...FUNCTION, name, scale: { min: 0, max: 1 } });
      const wrong = await autoscaler.request('POST', `/function/${name}`, {}); // makes series, wakes no one for long
      await wrong.arrayBuffer();
      const deleted = await autoscaler.request('DELETE', `/api/functions/${name}`);
      await deleted.arrayBuffer();
      if (made !== 201 || deleted.status !== 204) refused += 1;
    }
    await seriesOf(autoscaler);
    const after = await seriesOf(autoscaler);
    const outcome = await load.end();
    const left = (await (await autoscaler.request('GET', '/metrics')).text()).includes('passing-');
    const held = outcome.failed === 0 && refused === 0 && !left;
    const what = `${functions} functions, ${refused} refused; series ${before} → ${after}; ${load.failureText}`;
    return { ...outcome, recoveredMs: null, held, what };
  } finally {
    await autoscaler.stop();
  }
}

async function seriesOf(autoscaler) {
  const text = await (await autoscaler.request('GET', '/metrics')).text();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}
