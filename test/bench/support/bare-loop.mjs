/**
 * onnxruntime-node by itself: a session, one tensor for each input, and a loop of runs. Put under its quota
 * by whoever started it, then asked once.
 */
import { createRequire } from 'node:module';
import { generateInputs } from '../../../dist/models/manifest/inputs.js';

const { InferenceSession, Tensor } = createRequire(import.meta.url)('onnxruntime-node');
/** The runtime lays out memory and packs weights in its first runs. */
const WARM_UP_MS = 1000;

process.on('message', async ({ model, batch, threading, timeMs }) => {
  const session = await InferenceSession.create(model.path, {
    intraOpNumThreads: threading.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: threading.spinning ? '1' : '0' } } },
  });
  const inputs = generateInputs(model.manifest, { batch, seed: 0 });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, data, shape }]) => [name, new Tensor(dtype, data, shape)]),
  );
  await loop(() => session.run(feeds), WARM_UP_MS);
  process.send(await loop(() => session.run(feeds), timeMs));
});
process.send('ready');

/** @returns the mean in ms */
async function loop(run, timeMs) {
  const begin = performance.now();
  let runs = 0;
  do {
    await run();
    runs += 1;
  } while (runs < 3 || performance.now() - begin < timeMs);
  return { meanMs: (performance.now() - begin) / runs, runs };
}
