import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { packageVersion } from '../../../models/base/package.ts';
import type { ModelManifest, TensorSpec } from '../../../models/manifest/manifest.ts';
import {
  allocate,
  DTYPES,
  elementCount,
  type NamedTensors,
  type Tensor,
} from '../../../models/manifest/tensor.ts';
import { describe as answerTo, type Route, routeTo } from '../../../models/protocols/index.ts';
import { openInference } from '../../../models/protocols/open-inference.ts';
import type { ServedModel } from '../../../models/protocols/protocol.ts';

function manifest(...inputs: TensorSpec[]): ModelManifest {
  const digest = `sha256:${'0'.repeat(64)}`;
  return { name: 'm', format: 'onnx', digest, sizeBytes: 0, inputs, outputs: inputs };
}
function spec(
  name: string,
  dtype: TensorSpec['dtype'],
  shape: TensorSpec['shape'],
  batchAxis = 0,
): TensorSpec {
  return { name, dtype, shape, batchAxis: shape[batchAxis] === null ? batchAxis : null };
}

const pairs = manifest(spec('x', 'float32', [null, 2]));
const mixed = manifest(spec('ids', 'int64', [null]), spec('texts', 'string', [null, 1]));

const read = (body: string | object, model = pairs) =>
  openInference.decode(
    { contentType: '', body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) },
    model,
  );
const x = (values: object) => ({ name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4], ...values });
const text = ({ body }: { body: Uint8Array }) => Buffer.from(body).toString();

describe('an infer request', () => {
  it.each<[string, string | object]>([
    ['flat', { inputs: [x({})] }],
    ['nested', { inputs: [x({ data: [[1, 2], [3, 4]] })] }], // biome-ignore format: as it is sent
    [
      'with data before all that tells what it is',
      '{"inputs":[{"data":[1,2,3,4],"shape":[2,2],"datatype":"FP32","name":"x"}]}',
    ],
    [
      'with what it does not know',
      { model_name: 'm', inputs: [x({ parameters: { own: 1 }, more: [{}] })], parameters: { priority: 0 } },
    ],
    ['with nothing where nothing is asked for', { id: null, outputs: null, inputs: [x({})] }],
    ['that wishes for binary answers', { inputs: [x({})], parameters: { binary_data_output: true } }],
  ])('is taken %s', (_, body) => {
    const { feeds, rows, form } = read(body);
    expect({ ...feeds.x, rows }).toMatchObject({ dtype: 'float32', shape: [2, 2], rows: 2 });
    expect([...feeds.x!.data]).toEqual([1, 2, 3, 4]);
    expect(form).toMatchObject({ id: undefined, outputs: undefined });
  });

  it('keeps integers to the last bit, and texts', () => {
    const { feeds } = read(
      '{"inputs":[{"name":"ids","shape":[2],"datatype":"INT64","data":[9007199254740993,-9223372036854775808]},' +
        '{"name":"texts","shape":[2,1],"datatype":"BYTES","data":["ä\\u20ac","{\\"b64\\":1}"]}]}',
      mixed,
    );
    expect([...feeds.ids!.data]).toEqual([9007199254740993n, -(2n ** 63n)]);
    expect(feeds.texts!.data).toEqual(['ä€', '{"b64":1}']);
  });

  it.each<[string | object, string]>([
    ['[]', 'Expected "{" at byte 0'],
    ['{}', 'The request has no "inputs". Send {"inputs": [{"name"'],
    ['{"inputs":[]}', 'Input "x" of model m is missing'],
    ['{"inputs":[{}]}', 'inputs[0] has no "name"'],
    [{ inputs: [x({ name: 'y' })] }, 'Model m has no input "y"'],
    [{ inputs: [x({}), x({})] }, 'Input "x" comes twice'],
    [{ inputs: [x({ datatype: 'INT32' })] }, 'Input "x" has datatype INT32, the model takes FP32'],
    [{ inputs: [x({ datatype: undefined })] }, 'Input "x" has no datatype, the model takes FP32'],
    [{ inputs: [x({ shape: undefined })] }, 'Input "x" has no "shape"'],
    [{ inputs: [x({ data: undefined })] }, 'Input "x" has no "data"'],
    [{ inputs: [x({ data: 1 })] }, 'inputs[0].data is not an array'],
    [{ inputs: [x({ data: [1, 2, 3] })] }, 'Input "x" has 3 values, its shape [2,2] takes 4'],
    [{ inputs: [x({ data: [[1, 2, 3, 4]] })] }, 'Input "x" is nested as [1,4], its shape is [2,2]'],
    [{ inputs: [x({ data: [1, 'two', 3, 4] })] }, 'inputs[0].data[1]: Expected a number at byte'],
    [{ inputs: [x({ shape: [4] })] }, 'Input "x" has shape [4], the model takes [N,2]'],
    [{ inputs: [x({ shape: [-1, 2] })] }, 'inputs[0].shape[0]: -1 at byte'],
    [{ inputs: [x({ shape: 4 })] }, 'inputs[0].shape is not a list of sizes'],
    [{ inputs: [x({ shape: [4294967295, 4294967295] })] }, 'Input "x" has 4 values, its shape [4294967295,'],
    [
      { inputs: [x({ parameters: { binary_data_size: 16 } })] },
      'inputs[0] has a binary_data_size of 16, and 0 bytes are left behind the JSON',
    ],
    [{ inputs: [x({ parameters: { shared_memory_region: 'r' } })] }, 'Shared memory is not offered here.'],
    [{ inputs: [x({})], outputs: [{ name: 'z' }] }, 'Model m has no output "z". Its outputs are: x.'],
    [{ inputs: [x({})], outputs: [{}] }, 'outputs[0] has no "name"'],
    [
      { inputs: [x({})], outputs: [{ name: 'x', parameters: { classification: 3 } }] },
      'Classification is not offered here',
    ],
    ['{"inputs":[], "inputs":[]}', 'The request has "inputs" twice'],
    [
      '{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]}]}\0\0',
      'Expected the end at byte',
    ],
  ])('is refused: %j', (body, sentence) => {
    const refused = (): unknown => read(body);
    expect(refused).toThrow(InflessError);
    try {
      refused();
    } catch (error) {
      expect((error as InflessError).status).toBe(400);
      expect(messageOf(error)).toContain(sentence);
    }
  });

  it('whatever its bytes are, is read or refused in a sentence', () => {
    const good =
      '{"id":"1","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"x"}]}';
    fc.assert(
      fc.property(
        fc.nat(good.length),
        fc.nat(good.length),
        fc.uint8Array({ maxLength: 3 }),
        (at, cut, bytes) => {
          const [start, end] = [Math.min(at, cut), Math.max(at, cut)];
          const body = Buffer.concat([
            Buffer.from(good.slice(0, start)),
            bytes,
            Buffer.from(good.slice(end)),
          ]);
          try {
            openInference.decode({ contentType: '', body }, pairs);
          } catch (error) {
            expect(error).toBeInstanceOf(InflessError);
            expect((error as InflessError).code).toBe('INVALID_INPUT');
          }
        },
      ),
      { numRuns: 3000, seed: 1 },
    );
  });
});

describe('an infer answer', () => {
  const y: Tensor = { dtype: 'float32', shape: [1, 2], data: Float32Array.of(0.1, Number.NaN) };
  const n: Tensor = { dtype: 'int64', shape: [1], data: BigInt64Array.of(9007199254740993n) };
  const two = { ...pairs, outputs: [spec('y', 'float32', [null, 2]), spec('n', 'int64', [null])] };

  it('has every output, whole', () => {
    expect(text(openInference.encode({ y, n }, read({ inputs: [x({})] }, two), two))).toBe(
      '{"model_name":"m","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.1,NaN]},' +
        '{"name":"n","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}',
    );
  });

  it('has those that were asked for, and the id of the request', () => {
    const decoded = read({ id: 'a"1', inputs: [x({})], outputs: [{ name: 'n' }] }, two);
    expect(text(openInference.encode({ y, n }, decoded, two))).toBe(
      '{"model_name":"m","model_version":"1","id":"a\\"1","outputs":[{"name":"n","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}',
    );
  });
});

it('what a client writes is read as it was, for every element type', () => {
  const tensor = fc.record({
    dtype: fc.constantFrom(...DTYPES),
    shape: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    bytes: fc.infiniteStream(fc.nat(255)),
  });
  fc.assert(
    fc.property(tensor, ({ dtype, shape, bytes }) => {
      const data = allocate(dtype, elementCount(shape));
      const next = (): number => bytes.next().value;
      for (let index = 0; index < data.length; index += 1) {
        const value = next();
        if (Array.isArray(data)) data[index] = String.fromCodePoint(value);
        else if (data instanceof BigInt64Array || data instanceof BigUint64Array)
          data[index] = (BigInt(value) << 55n) | BigInt(next());
        else
          data[index] =
            dtype === 'bool'
              ? value & 1
              : dtype.startsWith('float') && dtype !== 'float16'
                ? value / 7
                : value & 127;
      }
      const model = manifest(spec('x', dtype, (shape as (number | null)[]).with(0, null)));
      const feeds: NamedTensors = { x: { dtype, shape, data } };
      const { body } = openInference.request(feeds, model);
      expect(openInference.decode({ contentType: '', body }, model)).toMatchObject({ feeds, rows: shape[0] });
    }),
    { numRuns: 1000, seed: 2 },
  );
});

describe('what is known without running a model', () => {
  const model: ServedModel = { name: 'm', state: 'ready', manifest: mixed };
  const ask = (method: string, path: string, served = model): unknown =>
    JSON.parse(text(answerTo(routeTo('m', method, path) as Route, [served])));

  it.each<[string, string, unknown]>([
    ['GET', '/v2', { name: 'infless', version: packageVersion, extensions: ['binary_tensor_data'] }],
    ['GET', '/v2/', { name: 'infless', version: packageVersion, extensions: ['binary_tensor_data'] }],
    ['GET', '/v2/health/live', { live: true }],
    ['GET', '/v2/health/ready', { ready: true }],
    ['GET', '/v2/models/m/ready', { name: 'm', ready: true }],
    ['GET', '/v2/models/m/versions/1/ready', { name: 'm', ready: true }],
    ['POST', '/v2/repository/index', [{ name: 'm', version: '1', state: 'READY', reason: '' }]],
    [
      'GET',
      '/v2/models/m',
      {
        name: 'm',
        versions: ['1'],
        platform: 'infless_onnx',
        inputs: [
          { name: 'ids', datatype: 'INT64', shape: [-1] },
          { name: 'texts', datatype: 'BYTES', shape: [-1, 1] },
        ],
        outputs: [
          { name: 'ids', datatype: 'INT64', shape: [-1] },
          { name: 'texts', datatype: 'BYTES', shape: [-1, 1] },
        ],
      },
    ],
  ])('%s %s', (method, path, answer) => {
    expect(ask(method, path)).toEqual(answer);
  });

  it.each([
    ['loading', 'The model is still being loaded'],
    ['draining', 'The server is shutting down'],
  ] as const)('a model that is %s is not ready', (state, sentence) => {
    const manifest = state === 'loading' ? undefined : mixed;
    for (const path of ['/v2/health/ready', '/v2/models/m/ready'])
      expect(() => ask('GET', path, { ...model, state, manifest })).toThrow(sentence);
    expect(ask('GET', '/v2/health/live', { ...model, state, manifest })).toEqual({ live: true });
    expect(ask('POST', '/v2/repository/index', { ...model, state, manifest })).toMatchObject([
      { state: 'UNAVAILABLE', reason: state },
    ]);
  });

  it('is what a client makes inputs up from', () => {
    const { body } = answerTo(routeTo('m', 'GET', '/v2/models/m') as Route, [model]);
    expect(openInference.readMetadata(body, 'It')).toEqual({ inputs: mixed.inputs, outputs: mixed.outputs });
  });

  it.each([
    ['no', 'It is not JSON'],
    ['{}', 'It is not valid at "inputs"'],
    [
      '{"inputs":[{"name":"x","datatype":"BF16","shape":[1]}]}',
      'No values can be made up for input "x" (BF16)',
    ],
  ])('a client refuses %s', (body, sentence) => {
    expect(() => openInference.readMetadata(Buffer.from(body), 'It')).toThrow(sentence);
  });
});

describe('what is not offered', () => {
  it.each([
    ['GET', '/v2/models/m/config', 404, 'Configurations are not offered here.'],
    ['GET', '/v2/models/m/versions/1/stats', 404, 'Statistics are not offered here. GET /metrics'],
    ['POST', '/v2/models/m/trace/setting', 404, 'Settings of logs and traces are not offered here.'],
    ['POST', '/v2/repository/models/m/load', 404, 'Clients cannot load or unload models here.'],
    ['POST', '/v2/systemsharedmemory/region/r/register', 404, 'Shared memory is not offered here.'],
    ['GET', '/v2/cudasharedmemory/status', 404, 'Shared memory is not offered here.'],
    ['GET', '/v2/logging', 404, 'Settings of logs and traces are not offered here.'],
    [
      'POST',
      '/v2/models/m/generate',
      404,
      'predictions go to POST /v1/models/NAME:predict or POST /v2/models/NAME/infer.',
    ],
    ['POST', '/v2/models/other/infer', 404, 'Model "other" is not served here. This server has "m".'],
    ['POST', '/v2/models/m/versions/3/infer', 404, 'Model "m" has no version 3 here.'],
    ['GET', '/v2/models/m/infer', 405, '/v2/models/m/infer takes POST, not GET.'],
    ['POST', '/v2/health/live', 405, '/v2/health/live takes GET, not POST.'],
  ])('%s %s is refused', (method, path, refused, sentence) => {
    expect(routeTo('m', method, path)).toMatchObject({
      refused,
      sentence: expect.stringContaining(sentence),
    });
  });
});
