import { describe, expect, it } from 'vitest';
import { tensorflowServing } from '../../../models/protocols/tensorflow-serving.ts';

function metadata(inputs: Record<string, unknown>, outputs: Record<string, unknown> = {}): string {
  return JSON.stringify({
    model_spec: { name: 'm', signature_name: '', version: '1' },
    metadata: {
      signature_def: {
        signature_def: {
          serving_default: { inputs, outputs, method_name: 'tensorflow/serving/predict' },
        },
      },
    },
  });
}

function tensor(dtype: string, ...sizes: number[]) {
  return {
    dtype,
    tensor_shape: { dim: sizes.map((size) => ({ size: String(size), name: '' })), unknown_rank: false },
    name: 'x:0',
  };
}

const read = (text: string) => tensorflowServing.readMetadata(Buffer.from(text), 'It');

describe('metadata', () => {
  it("reads TF Serving's description", () => {
    expect(read(metadata({ x: tensor('DT_FLOAT', -1, 2), ids: tensor('DT_INT64', 1, -1) })).inputs).toEqual([
      { name: 'x', dtype: 'float32', shape: [null, 2], batchAxis: 0 },
      { name: 'ids', dtype: 'int64', shape: [1, null], batchAxis: null },
    ]);
  });

  it('may call tensors like what every object has', () => {
    const names = ['constructor', '__proto__'];
    const tensors = Object.fromEntries(names.map((name) => [name, tensor('DT_FLOAT', -1)]));
    const { inputs, outputs } = read(metadata(tensors, tensors));
    expect([inputs, outputs].map((specs) => specs.map(({ name }) => name))).toEqual([names, names]);
  });

  it('leaves out outputs of types that are not known', () => {
    const { outputs } = read(
      metadata({ x: tensor('DT_FLOAT', -1) }, { y: tensor('DT_HALF', -1, 3), z: tensor('DT_VARIANT', 1) }),
    );
    expect(outputs).toEqual([{ name: 'y', dtype: 'float16', shape: [null, 3], batchAxis: 0 }]);
  });

  it.each([
    ['<html>', 'It is not JSON'],
    ['{}', 'It is not valid at "metadata"'],
    [metadata({ x: tensor('DT_VARIANT', 1) }), 'No values can be made up for input "x" (DT_VARIANT)'],
  ])('refuses %s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
