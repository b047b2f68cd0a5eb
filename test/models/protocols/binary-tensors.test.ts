import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate, DTYPES, elementCount, type Tensor } from '../../../models/manifest/tensor.ts';
import { bytesOfTensor, elementsIn, tensorOfBytes } from '../../../models/protocols/binary-tensors.ts';

const tensors: fc.Arbitrary<Tensor> = fc
  .record({
    dtype: fc.constantFrom(...DTYPES),
    shape: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 2 }),
  })
  .chain(({ dtype, shape }): fc.Arbitrary<Tensor> => {
    const count = elementCount(shape);
    if (dtype === 'string') {
      return fc
        .array(fc.string({ unit: 'grapheme', maxLength: 5 }), { minLength: count, maxLength: count })
        .map((data) => ({ dtype, shape, data }));
    }
    const { byteLength } = allocate(dtype, count) as Uint8Array;
    return fc.uint8Array({ minLength: byteLength, maxLength: byteLength }).map((bytes) => {
      const data = allocate(dtype, count) as Uint8Array;
      const raw = new Uint8Array(data.buffer, 0, data.byteLength);
      raw.set(dtype === 'bool' ? bytes.map((byte) => byte & 1) : bytes);
      return { dtype, shape, data };
    });
  });

describe('binary tensors', () => {
  it('come back as they were, to the last bit, wherever they lie', () => {
    fc.assert(
      fc.property(tensors, fc.integer({ min: 0, max: 9 }), (tensor, offset) => {
        const bytes = bytesOfTensor(tensor);
        const body = new Uint8Array(offset + bytes.length + 3);
        body.set(bytes, offset);
        const there = tensorOfBytes(tensor, tensor.shape, body.subarray(offset, offset + bytes.length), 'x');
        expect(Buffer.from(bytesOfTensor(there)).equals(bytes)).toBe(true);
        expect(there.shape).toEqual(tensor.shape);
        if (tensor.dtype === 'string') expect(there.data).toEqual(tensor.data);
      }),
    );
  });

  it('are what NumPy writes', () => {
    // np.array([1, -2.5], '<f4').tobytes(), np.array([2**53 + 1], '<i8').tobytes()
    const floats = Uint8Array.from([0, 0, 128, 63, 0, 0, 32, 192]);
    expect(tensorOfBytes({ dtype: 'float32' }, [2], floats, 'x').data).toEqual(Float32Array.of(1, -2.5));
    const integer = Uint8Array.from([1, 0, 0, 0, 0, 0, 32, 0]);
    expect(tensorOfBytes({ dtype: 'int64' }, [1], integer, 'x').data).toEqual(
      BigInt64Array.of(2n ** 53n + 1n),
    );
  });

  it('are copied: a body may be given back', () => {
    const body = new Uint8Array(16);
    const { data } = tensorOfBytes({ dtype: 'float32' }, [2], body.subarray(8), 'x');
    body.fill(255);
    expect(data).toEqual(new Float32Array(2));
  });

  it.each<[string, Tensor['dtype'], number[], number[], RegExp]>([
    ['too few bytes', 'float32', [2], [0, 0, 0, 0], /^x has 4 bytes, its shape \[2\] takes 8 of float32/],
    ['too many', 'int8', [1], [0, 0], /^x has 2 bytes/],
    ['a bool that is neither', 'bool', [2], [1, 2], /neither 0 nor 1/],
    ['a string that is cut off', 'string', [1], [5, 0, 0, 0, 65], /^x ends within string 0 of 1/],
    ['a length that is cut off', 'string', [1], [5, 0], /^x ends within string 0 of 1/],
    ['a string too many', 'string', [1], [0, 0, 0, 0, 0, 0, 0, 0], /4 bytes behind its last string/],
    ['no UTF-8', 'string', [1], [1, 0, 0, 0, 255], /^String 0 of x is not UTF-8/],
  ])('are refused for %s', (_, dtype, shape, bytes, message) => {
    expect(() => tensorOfBytes({ dtype }, shape, Uint8Array.from(bytes), 'x')).toThrow(message);
  });

  it('tell how many elements they have, but for strings', () => {
    expect(elementsIn('float16', 6)).toBe(3);
    expect(elementsIn('float16', 5)).toBeUndefined();
    expect(elementsIn('string', 8)).toBeUndefined();
  });
});
