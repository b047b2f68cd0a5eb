import { expect, test } from 'vitest';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import type { LoadedModel } from '../../../packager/server/inference/messages.ts';
import { Instance } from '../../../packager/server/instance.ts';
import type { BatchResponse } from '../../../packager/server/instance-protocol.ts';
import { serverSettings } from '../../../packager/server/settings.ts';

const MODEL: LoadedModel = {
  name: 'm',
  manifest: {
    name: 'm',
    format: 'onnx',
    digest: `sha256:${'0'.repeat(64)}`,
    sizeBytes: 0,
    inputs: [],
    outputs: [],
  },
  threads: 1,
  maxBatch: 4,
  loadMs: 0,
};
const REQUEST = { path: '/', contentType: 'application/json', body: new Uint8Array() };

/** An instance with room for one waiting request. It expects 10 ms for a batch, which takes `durationMs`. */
function setUp(durationMs: number, reply: Partial<BatchResponse>) {
  const clock = new VirtualClock();
  const instance = new Instance({
    settings: serverSettings({ INFLESS_MODEL: 'm', INFLESS_MAX_BATCH: '4', INFLESS_QUEUE_LIMIT: '1' }),
    clock,
    run: (requests) =>
      new Promise((resolve) => {
        const responses = requests.map(() => ({
          status: 200,
          contentType: 'text/plain',
          body: new Uint8Array(),
        }));
        const timing = { decodeMs: 0, executeMs: durationMs, encodeMs: 0, rows: requests.length };
        clock.at(clock.nowMs() + durationMs, () => resolve({ responses, timing, ...reply }));
      }),
    estimateOf: () => undefined,
  });
  instance.markLoaded(MODEL);
  instance.markReady(0, [{ requests: 1, durationMs: 10 }]);
  return { clock, instance };
}

/** When one who finds the queue full is told to come back. */
async function retryAfterMs(instance: Instance): Promise<unknown> {
  for (let running = 0; running < 2; running += 1) instance.predict(REQUEST).answer.catch(() => {});
  const refused = await instance.predict(REQUEST).answer.catch((error: unknown) => error);
  return (refused as { details: { retryAfterMs: number } }).details.retryAfterMs;
}

test.each<readonly [string, Partial<BatchResponse>, boolean]>([
  ['teaches how long batches take', {}, true],
  [
    'teaches nothing if its requests ran one by one',
    { ranAlone: 'output "y" has shape [6] for 3 rows' },
    false,
  ],
])('a batch %s', async (_, reply, isTaught) => {
  const before = await retryAfterMs(setUp(500, reply).instance);
  const { clock, instance } = setUp(500, reply);
  const { answer } = instance.predict(REQUEST);
  clock.runUntil(500);
  await answer;
  await new Promise(setImmediate);
  expect((await retryAfterMs(instance)) !== before).toBe(isTaught);
});

test('an instance that has stopped batching says so to whoever asks whether it is ready', () => {
  const { instance } = setUp(1, {});
  expect(instance.readyReport().maxBatch).toBe(4);
  instance.stopBatching();
  expect(instance.readyReport().maxBatch).toBe(1);
});
