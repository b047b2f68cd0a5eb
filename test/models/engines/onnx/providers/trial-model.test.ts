import { expect, it } from 'vitest';
import { TRIAL_INPUT, trialModel } from '../../../../../models/engines/onnx/providers/trial-model.ts';
import { loadRuntime } from '../../../../../models/engines/onnx/runtime.ts';

it('is a model that the runtime runs: what fails in a trial is the provider', async () => {
  const runtime = await loadRuntime();
  const session = await runtime.InferenceSession.create(trialModel(), { executionProviders: ['cpu'] });
  const { name, shape } = TRIAL_INPUT;
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(1);
  const { y } = await session.run({ [name]: new runtime.Tensor('float32', data, [...shape]) });
  expect(y!.dims).toEqual([1, 2]);
  expect([...(y!.data as Float32Array)]).toEqual([0, 0]);
  await session.release();
});
