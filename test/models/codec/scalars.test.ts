import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalfBits, toHalfBits } from '../../../models/manifest/half.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import type { DType } from '../../../models/manifest/tensor.ts';
import { decodePredict } from '../protocols/predict.ts';

function read(text: string, dtype: DType): number | bigint | string {
  const spec = { name: 'x', dtype, shape: [null], batchAxis: 0 };
  const manifest: ModelManifest = {
    name: 'm',
    format: 'onnx',
    digest: `sha256:${'0'.repeat(64)}`,
    sizeBytes: 0,
    inputs: [spec],
    outputs: [spec],
  };
  return decodePredict(Buffer.from(`{"inputs":[${text}]}`), manifest).feeds.x!.data[0]!;
}

/** Numbers as JSON may write them: any digits, any exponent. */
const jsonNumber = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9][0-9]{0,24}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,30}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][-+]?[0-9]{1,3}$/)),
  )
  .map((parts) => parts.join(''));

describe('numbers of a predict body', () => {
  it('are those of JSON.parse', () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        const value = JSON.parse(text);
        if (Number.isFinite(value)) expect(read(text, 'float64')).toBe(value);
        else expect(() => read(text, 'float64')).toThrow('is beyond the range of float64');
      }),
      { numRuns: 5000, seed: 1 },
    );
  });

  it('are those of JSON.parse for every double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(read(JSON.stringify(value), 'float64')).toBe(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it('are rounded to float32 as the double is, where the double decides', () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        const value = Math.fround(Number(text));
        if (Number.isFinite(value)) expect(read(text, 'float32')).toBe(value);
        else expect(() => read(text, 'float32')).toThrow('is beyond the range of float32');
      }),
      { numRuns: 5000, seed: 1 },
    );
  });

  it('are rounded once, not to a double and then to float32', () => {
    // Just above, at and just below the middle of 1 and the next float32, closer than a double can tell.
    const next = 1 + 2 ** -23;
    expect(read('1.000000059604644775390625000000000001', 'float32')).toBe(next);
    expect(read('1.000000059604644775390625', 'float32')).toBe(1);
    expect(read('-1.000000059604644775390625000000000001', 'float32')).toBe(-next);
    expect(read('1.00000017881393432617187499999999999', 'float32')).toBe(next);
    expect(read('1.000000178813934326171875', 'float32')).toBe(1 + 2 ** -22);
    // The middle of zero and the smallest float32, and of the largest and infinity.
    const half =
      '7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015625e-46';
    expect(read(half, 'float32')).toBe(0);
    expect(read(half.replace('5e-46', '6e-46'), 'float32')).toBe(2 ** -149);
    expect(read('340282356779733661637539395458142568447', 'float32')).toBe(3.4028234663852886e38);
    expect(() => read('340282356779733661637539395458142568448', 'float32')).toThrow('float32');
  });

  it('are rounded once to float16', () => {
    const one = (text: string) => fromHalfBits(read(text, 'float16') as number);
    expect(one('1.00048828125')).toBe(1);
    expect(one('1.0004882812500000000000000000001')).toBe(1 + 2 ** -10);
    expect(one('0.1')).toBe(fromHalfBits(toHalfBits(0.1)));
    expect(one('65519.99999999999999999')).toBe(65_504);
  });

  it('keep the sign of zero and take what TensorFlow Serving adds to JSON', () => {
    expect(read('-0', 'float32')).toBe(-0);
    expect(read('-0.0e5', 'float64')).toBe(-0);
    expect(read('NaN', 'float32')).toBeNaN();
    expect(read('Infinity', 'float64')).toBe(Number.POSITIVE_INFINITY);
    expect(read('-Infinity', 'float32')).toBe(Number.NEGATIVE_INFINITY);
    expect(read('-Inf', 'float64')).toBe(Number.NEGATIVE_INFINITY);
  });

  it.each(['0', '1'])('with eight million digits beside a tie are read at once (%s at the end)', (last) => {
    const middle = '1.000000059604644775390625'; // of 1 and the next float32
    const startMs = performance.now();
    const text = `${middle}${'0'.repeat(8_000_000)}${last}`;
    expect(read(text, 'float32')).toBe(last === '0' ? 1 : 1 + 2 ** -23);
    const scaled = `${text.replace('.', '')}e-${text.length - 2}`;
    expect(read(scaled, 'float32')).toBe(last === '0' ? 1 : 1 + 2 ** -23);
    expect(read(`0.${'0'.repeat(8_000_000)}${middle.replace('.', '')}e8000001`, 'float32')).toBe(1);
    expect(performance.now() - startMs).toBeLessThan(3000); // 8 s and more where all are multiplied out
  });

  it('keep 64-bit integers whole', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(read(String(value), 'int64')).toBe(value);
      }),
      { seed: 1 },
    );
    expect(read('18446744073709551615', 'uint64')).toBe(2n ** 64n - 1n);
    expect(read('1e3', 'int64')).toBe(1000n);
    expect(read('7.0', 'int64')).toBe(7n);
  });

  it.each<[string, DType]>([
    ['9223372036854775808', 'int64'],
    ['-9223372036854775809', 'int64'],
    ['18446744073709551616', 'uint64'],
    ['-1', 'uint64'],
    ['9'.repeat(100_000), 'int64'],
    ['1e19', 'int64'],
    ['9007199254740993.0', 'int64'],
    ['0.5', 'int64'],
    ['256', 'uint8'],
    ['-1', 'uint8'],
    ['128', 'int8'],
    ['2147483648', 'int32'],
    ['1.5', 'int32'],
    ['NaN', 'int32'],
    ['1e39', 'float32'],
    ['-3.5e38', 'float32'],
    ['1e400', 'float32'],
    ['1e99999999999999999999', 'float32'],
    ['1e309', 'float64'],
    ['9'.repeat(400), 'float64'],
    ['65520', 'float16'],
    ['-1e5', 'float16'],
    ['1', 'bool'],
    ['true', 'float32'],
    ['null', 'float32'],
    ['"1"', 'float32'],
    ['{}', 'float32'],
    ['1', 'string'],
  ])('refuse %s as %s', (text, dtype) => {
    expect(() => read(text, dtype)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/^inputs\[0\]: .{1,160}$/),
      }),
    );
  });

  it.each([
    '01',
    '1.',
    '.5',
    '-',
    '+1',
    '1e',
    '1e+',
    '0x10',
    '1_000',
    '--1',
    '1.e5',
    'Infinit',
    'nan',
    '1 2',
  ])('refuse %s, which is no JSON', (text) => {
    expect(() => read(text, 'float32')).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });
});
