import { describe, expect, it } from 'vitest';
import type { Operator } from '../../../../models/engines/tracing.ts';
import { workOf } from '../../../../profiler/operators/prediction/work.ts';

const operator = (fields: Partial<Operator>): Operator => ({
  kind: 'Relu',
  dtype: 'float',
  inputs: [],
  outputs: [],
  weights: [],
  window: 1,
  ...fields,
});

describe('workOf', () => {
  it('counts a convolution as the matrix product it is', () => {
    const conv = operator({
      kind: 'nchwc.Conv/spatial',
      inputs: [[2, 16, 8, 8]],
      outputs: [[2, 32, 8, 8]],
      weights: [[32, 16, 3, 3], [32]],
      window: 9,
    });
    expect(workOf(conv)).toEqual({
      flops: 2 * (2 * 64) * 32 * (16 * 9),
      bytes: 4 * (2 * 16 * 64 + 32 * 16 * 9 + 32 + 2 * 32 * 64),
      dimensions: [128, 32, 144],
    });
  });

  it('counts a dense layer whose weights the runtime has packed away', () => {
    const gemm = operator({
      kind: 'Gemm',
      inputs: [[4, 384], [69]],
      outputs: [[4, 69]],
      weights: [[384, 69], [69]],
    });
    expect(workOf(gemm)).toMatchObject({ flops: 2 * 4 * 69 * 384, dimensions: [4, 69, 384] });
    expect(workOf(gemm).bytes).toBe(4 * (4 * 384 + 384 * 69 + 69 + 4 * 69));
  });

  it('counts every step of a recurrent layer', () => {
    const lstm = operator({
      kind: 'LSTM',
      inputs: [[24, 2, 256]],
      outputs: [[24, 1, 2, 512]],
      weights: [
        [1, 2048, 256],
        [1, 2048, 512],
        [1, 4096],
      ],
    });
    expect(workOf(lstm).flops).toBe(2 * 24 * 2 * 2048 * (256 + 512));
  });

  it('does not read the whole of a table that rows are taken from', () => {
    const gather = operator({
      kind: 'Gather',
      inputs: [
        [20_000, 128],
        [4, 64],
      ],
      outputs: [[4, 64, 128]],
      weights: [[20_000, 128]],
    });
    expect(workOf(gather).bytes).toBe(4 * 2 * (4 * 64 * 128));
  });

  it('counts bytes by the type of the elements', () => {
    const shapes = { inputs: [[100]], outputs: [[100]] };
    expect(workOf(operator({ ...shapes, dtype: 'int64' })).bytes).toBe(1600);
    expect(workOf(operator({ ...shapes, dtype: 'float16' })).bytes).toBe(400);
  });
});
