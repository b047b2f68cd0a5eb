import { expect, it } from 'vitest';
import { resolveModel } from '../../../../models/resolve/resolve-model.ts';
import { SERVER_OPTIONS } from '../../../../packager/server/settings.ts';
import { servingMemory } from '../../../../profiler/cell/serving/serving-memory.ts';

it('is that of a real process: Node.js, the model, a batch and its bodies', async () => {
  const model = await resolveModel('mnist');
  const serving = await servingMemory({ model, cpuMillicores: 1000, budgetMs: 2000 }, 4);
  expect(serving?.requestBytes).toBeGreaterThan(784 * 2);
  expect(serving?.readyMemoryBytes).toBeGreaterThan(50e6);
  expect(serving?.peakMemoryBytes).toBeGreaterThanOrEqual(serving!.readyMemoryBytes!);
  expect(serving?.peakMemoryBytes).toBeLessThan(500e6);
});

it('is not known of a process that ends, and why is told', async () => {
  const model = await resolveModel('mnist');
  const gone = { ...model, path: `${model.path}.gone.onnx` };
  await expect(servingMemory({ model: gone, cpuMillicores: 1000, budgetMs: 2000 }, 1)).rejects.toMatchObject({
    code: 'INFERENCE_FAILED',
    message: expect.stringMatching(/^The serving process ended: .*gone\.onnx/s),
  });
});

it('starts a process by variables that there are', () => {
  const known = new Set(Object.values(SERVER_OPTIONS).map(({ env }) => env));
  for (const name of ['MODEL', 'MODEL_NAME', 'HOST', 'PORT', 'CPU_MILLICORES', 'GPU_PERCENT', 'MAX_BATCH']) {
    expect(known).toContain(`INFLESS_${name}`);
  }
  for (const name of ['QUEUE_LIMIT', 'SLO_MS', 'MAX_WAIT_MS']) expect(known).toContain(`INFLESS_${name}`);
});
