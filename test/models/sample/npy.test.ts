import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InflessError } from '../../../models/base/errors.ts';
import { fromHalfBits } from '../../../models/manifest/half.ts';
import { readNpy } from '../../../models/sample/npy.ts';
import { numpyFile } from './numpy-files.ts';

const read = (name: Parameters<typeof numpyFile>[0]) => readNpy(numpyFile(name), 'Sample x.npy');

describe('reading what numpy.save wrote', () => {
  it('gives numbers of every kind', () => {
    expect(read('floats')).toEqual({
      dtype: 'float32',
      shape: [1, 2, 3],
      data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25),
    });
    expect(read('longs')).toEqual({
      dtype: 'int64',
      shape: [1, 3],
      data: BigInt64Array.of(1n, -2n, 2n ** 60n),
    });
    expect(read('flags')).toEqual({ dtype: 'bool', shape: [1, 2], data: Uint8Array.of(1, 0) });
    expect(read('scalar')).toEqual({ dtype: 'float64', shape: [], data: Float64Array.of(2.5) });
    const halves = read('halves');
    expect([...(halves.data as Uint16Array)].map(fromHalfBits)).toEqual([1.5, -2]);
  });

  it('gives texts', () => {
    expect(read('texts')).toEqual({ dtype: 'string', shape: [1, 2], data: ['ab', 'cé😀'] });
  });

  it('knows newer versions of the format', () => {
    expect(read('version2')).toEqual({ dtype: 'int32', shape: [2], data: Int32Array.of(0, 1) });
  });

  it.each([
    ['big', /highest byte of its numbers first\. Save x\.astype/],
    ['fortran', /column by column\. Save numpy\.ascontiguousarray/],
    ['objects', /elements of NumPy's type \|O, which no request has/],
    ['complex', /elements of NumPy's type <c8, which no request has/],
    ['records', /records instead of numbers/],
    ['savez', /is no \.npy file\. Write it with numpy\.save\./],
  ] as const)('refuses %s in a sentence that tells what to do', (name, sentence) => {
    const refusal = (() => {
      try {
        return read(name);
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', sentence: expect.stringMatching(sentence) });
  });

  it('refuses any damage with an error of its own', () => {
    const whole = numpyFile('floats');
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length - 1), (at, by, end) => {
        const damaged = whole.slice();
        damaged[at] = by;
        for (const bytes of [damaged, whole.slice(0, end)]) {
          try {
            readNpy(bytes, 'x');
          } catch (error) {
            expect(error).toBeInstanceOf(InflessError);
          }
        }
      }),
    );
  });
});
