import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelManifest, TensorSpec } from '../../../models/manifest/manifest.ts';
import {
  allocate,
  DTYPES,
  type DType,
  elementCount,
  type NamedTensors,
  type Tensor,
} from '../../../models/manifest/tensor.ts';
import { predictBody } from '../../../models/protocols/tensorflow-serving.ts';
import { decodePredict, encodePredict } from './predict.ts';

function manifest(specs: readonly TensorSpec[]): ModelManifest {
  const digest = `sha256:${'0'.repeat(64)}`;
  return { name: 'm', format: 'onnx', digest, sizeBytes: 0, inputs: [...specs], outputs: [...specs] };
}

function floats(shape: number[], ...values: number[]): Tensor {
  return { dtype: 'float32', shape, data: Float32Array.from(values) };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe('writing an answer', () => {
  const y = floats([2, 2], 1, 0.5, -2, 3);
  const n: Tensor = { dtype: 'int64', shape: [2], data: BigInt64Array.of(1n, 9007199254740993n) };

  it('leaves the name out where there is one output', () => {
    expect(text(encodePredict({ y }, 'row'))).toBe('{"predictions":[[1.0,0.5],[-2.0,3.0]]}');
    expect(text(encodePredict({ y }, 'column'))).toBe('{"outputs":[[1.0,0.5],[-2.0,3.0]]}');
  });

  it('names several outputs, by row or by column', () => {
    expect(text(encodePredict({ y, n }, 'row'))).toBe(
      '{"predictions":[{"y":[1.0,0.5],"n":1},{"y":[-2.0,3.0],"n":9007199254740993}]}',
    );
    expect(text(encodePredict({ y, n }, 'column'))).toBe(
      '{"outputs":{"y":[[1.0,0.5],[-2.0,3.0]],"n":[1,9007199254740993]}}',
    );
  });

  it('finds the rows on the batch axis of each output', () => {
    const state = floats([2, 2, 1], 5, 7, 6, 8);
    const model = manifest([
      { name: 'y', dtype: 'float32', shape: [null, 2], batchAxis: 0 },
      { name: 'state', dtype: 'float32', shape: [2, null, 1], batchAxis: 1 },
    ]);
    expect(text(encodePredict({ y, state }, 'row', model))).toBe(
      '{"predictions":[{"y":[1.0,0.5],"state":[[5.0],[6.0]]},{"y":[-2.0,3.0],"state":[[7.0],[8.0]]}]}',
    );
  });

  it('takes outputs without common rows as one row', () => {
    const boxes = floats([3, 1], 1, 2, 3);
    const count = floats([], 3);
    expect(text(encodePredict({ boxes, count }, 'row'))).toBe(
      '{"predictions":[{"boxes":[[1.0],[2.0],[3.0]],"count":3.0}]}',
    );
  });

  it('says when rows cannot be told apart', () => {
    const model = manifest([
      { name: 'y', dtype: 'float32', shape: [null, 2], batchAxis: 0 },
      { name: 'anchors', dtype: 'float32', shape: [3], batchAxis: null },
    ]);
    expect(() => encodePredict({ y, anchors: floats([3], 1, 2, 3) }, 'row', model)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', remedy: expect.stringContaining('column form') }),
    );
  });

  describe('whose outputs count something', () => {
    const batched = (...names: string[]) =>
      manifest(names.map((name) => ({ name, dtype: 'float32', shape: [null, 1], batchAxis: 0 })));
    const three = floats([3, 1], 1, 2, 3);
    const one = floats([1, 1], 9);

    it.each<readonly [string, NamedTensors, number, string]>([
      ['lists what there is', { three }, 1, '[[1.0],[2.0],[3.0]]'],
      ['lists nothing where there is nothing', { none: floats([0, 1]) }, 1, '[]'],
      ['lists what outputs of one length have', { a: three, b: three }, 2, '[{"a":[1.0],"b":[1.0]},'],
      ['gives all of it to the one row', { three, one }, 1, '[{"three":[[1.0],[2.0],[3.0]],"one":[9.0]}]'],
      ['keeps rows that are rows', { three }, 3, '[[1.0],[2.0],[3.0]]'],
    ])('%s', (_, outputs, rows, expected) => {
      const answer = text(encodePredict(outputs, 'row', batched(...Object.keys(outputs)), rows));
      expect(answer.startsWith(`{"predictions":${expected}`), answer).toBe(true);
      expect(() => JSON.parse(answer)).not.toThrow();
    });

    it('says that several rows cannot be told apart, and writes them whole in column form', () => {
      const model = batched('three', 'one');
      expect(() => encodePredict({ three, one }, 'row', model, 2)).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', remedy: expect.stringContaining('column form') }),
      );
      expect(text(encodePredict({ three, one }, 'column', model, 2))).toBe(
        '{"outputs":{"three":[[1.0],[2.0],[3.0]],"one":[[9.0]]}}',
      );
    });
  });

  it.each(DTYPES)('never writes what is not there: %s', (dtype) => {
    for (const form of ['row', 'column'] as const) {
      expect(() => encodePredict({ y: { dtype, shape: [3], data: allocate(dtype, 2) } }, form)).toThrow(
        expect.objectContaining({
          code: 'INFERENCE_FAILED',
          message: 'Tensor "y" of shape [3] has 2 elements',
        }),
      );
    }
  });

  it('writes booleans, texts and bytes', () => {
    const flags: Tensor = { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) };
    expect(text(encodePredict({ flags }, 'row'))).toBe('{"predictions":[true,false]}');
    const words: Tensor = { dtype: 'string', shape: [2], data: ['a"\n', '\ud800😀'] };
    expect(text(encodePredict({ words }, 'row'))).toBe('{"predictions":["a\\"\\n","\\ud800😀"]}');
    expect(text(encodePredict({ image_bytes: { ...words, data: ['é', ''] } }, 'row'))).toBe(
      '{"predictions":[{"b64":"w6k="},{"b64":""}]}',
    );
  });

  it('writes empty tensors', () => {
    expect(text(encodePredict({ y: floats([0, 2]) }, 'row'))).toBe('{"predictions":[]}');
    expect(text(encodePredict({ y: floats([2, 0]) }, 'column'))).toBe('{"outputs":[[],[]]}');
  });

  it('has room for more than it expected', () => {
    const data = Array.from({ length: 100 }, (_, index) => 'é'.repeat(index * 10));
    const words: Tensor = { dtype: 'string', shape: [100], data };
    expect(JSON.parse(text(encodePredict({ words }, 'row')))).toEqual({ predictions: data });
    const wide: Tensor = { dtype: 'float64', shape: [5000], data: new Float64Array(5000).fill(-1 / 3) };
    expect(JSON.parse(text(encodePredict({ wide }, 'column')))).toEqual({ outputs: [...wide.data] });
  });

  it('escapes names', () => {
    expect(text(encodePredict({ 'a"b': floats([1], 1), ü: floats([1], 2) }, 'column'))).toBe(
      '{"outputs":{"a\\"b":[1.0],"ü":[2.0]}}',
    );
  });
});

describe('writing float32', () => {
  const written = (value: number) =>
    text(encodePredict({ y: floats([1], value) }, 'column')).slice('{"outputs":['.length, -2);

  it.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-16777216, '-16777216.0'],
    [0.1, '0.1'],
    [1 / 3, '0.33333334'],
    [123456.7, '123456.7'],
    [1e-5, '0.00001'],
    [1.5e-7, '1.5e-7'],
    [3.4028235e38, '3.4028235e+38'],
    [1e9, '1000000000.0'],
    [0.99999994, '0.99999994'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ])('%d as %s', (value, expected) => {
    expect(written(Math.fround(value))).toBe(expected);
  });

  it('takes no more digits than the value needs', () => {
    fc.assert(
      fc.property(
        fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(1e-5), max: 2 ** 23 }),
        (value) => {
          const significant = written(value)
            .replace('.', '')
            .replace(/^0+|0+$/g, '').length;
          const needed = [1, 2, 3, 4, 5, 6, 7, 8, 9].find(
            (digits) => Math.fround(Number(value.toPrecision(digits))) === value,
          )!;
          expect(significant).toBeLessThanOrEqual(Math.max(needed, 1));
          expect(Math.fround(Number(written(value)))).toBe(value);
        },
      ),
      { numRuns: 3000, seed: 3 },
    );
  });
});

/** Any bit pattern of an element type, or any text. */
function elements(dtype: DType, length: number): fc.Arbitrary<Tensor['data']> {
  if (dtype === 'string')
    return fc.array(fc.string({ unit: 'binary' }), { minLength: length, maxLength: length });
  if (dtype === 'bool') {
    return fc
      .array(fc.integer({ min: 0, max: 1 }), { minLength: length, maxLength: length })
      .map((bits) => Uint8Array.from(bits));
  }
  const empty = allocate(dtype, length) as Float32Array;
  return fc.uint8Array({ minLength: empty.byteLength, maxLength: empty.byteLength }).map((bytes) => {
    const data = allocate(dtype, length) as Float32Array;
    new Uint8Array(data.buffer).set(bytes);
    return data;
  });
}

const tensorCase = fc
  .record({
    dtype: fc.constantFrom(...DTYPES),
    rowShape: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    rows: fc.integer({ min: 1, max: 4 }),
    axis: fc.nat(),
  })
  .chain(({ dtype, rowShape, rows, axis }) => {
    const batchAxis = axis % (rowShape.length + 1);
    const shape = rowShape.toSpliced(batchAxis, 0, rows);
    const spec: Omit<TensorSpec, 'name'> = {
      dtype,
      shape: (shape as (number | null)[]).with(batchAxis, null),
      batchAxis,
    };
    return elements(dtype, elementCount(shape)).map((data) => ({
      spec,
      rows,
      tensor: { dtype, shape, data },
    }));
  });

/** NaN has many bit patterns and JSON one word. */
function comparable({ dtype, shape, data }: Tensor): unknown {
  const canonical =
    dtype === 'float16'
      ? [...(data as Uint16Array)].map((bits) => ((bits & 0x7fff) > 0x7c00 ? 'NaN' : bits))
      : [...data];
  return { dtype, shape, data: canonical };
}

describe('a request that is written and read', () => {
  it('is the same, for every element type, batch axis and form', () => {
    fc.assert(
      fc.property(
        fc.array(tensorCase, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('row', 'column'),
        (cases, form) => {
          const same = cases.filter(({ rows }) => rows === cases[0]!.rows);
          const model = manifest(same.map(({ spec }, index) => ({ ...spec, name: `in${index}` })));
          const feeds: NamedTensors = Object.fromEntries(
            same.map(({ tensor }, index) => [`in${index}`, tensor]),
          );
          const read = decodePredict(predictBody(feeds, form as 'row', model), model);
          expect(read).toMatchObject({ rows: cases[0]!.rows, form });
          for (const [name, tensor] of Object.entries(feeds))
            expect(comparable(read.feeds[name]!)).toEqual(comparable(tensor));
        },
      ),
      { numRuns: 2000, seed: 5 },
    );
  });

  it('is the same for models that cannot batch', () => {
    const model = manifest([
      { name: 'x', dtype: 'float32', shape: [2, 3], batchAxis: null },
      { name: 'rate', dtype: 'int64', shape: [], batchAxis: null },
    ]);
    const feeds = generateInputs(model, { batch: 1 });
    for (const form of ['row', 'column'] as const) {
      expect(decodePredict(predictBody(feeds, form, model), model).feeds).toEqual(feeds);
    }
  });
});
