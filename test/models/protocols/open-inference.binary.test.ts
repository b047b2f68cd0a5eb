import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InflessError } from '../../../models/base/errors.ts';
import type { ModelManifest, TensorSpec } from '../../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../../models/manifest/tensor.ts';
import { openInference } from '../../../models/protocols/open-inference.ts';
import type { Message } from '../../../models/protocols/protocol.ts';

const LENGTH = 'inference-header-content-length';

function manifest(...inputs: TensorSpec[]): ModelManifest {
  const digest = `sha256:${'0'.repeat(64)}`;
  return { name: 'm', format: 'onnx', digest, sizeBytes: 0, inputs, outputs: inputs };
}
const x: TensorSpec = { name: 'x', dtype: 'float32', shape: [null, 2], batchAxis: 0 };
const ids: TensorSpec = { name: 'ids', dtype: 'int64', shape: [null], batchAxis: 0 };
const texts: TensorSpec = { name: 'texts', dtype: 'string', shape: [null, 1], batchAxis: 0 };
const pairs = manifest(x);
const mixed = manifest(x, ids, texts);

const floats = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

function message(json: object, ...behind: Uint8Array[]): Message {
  const head = Buffer.from(JSON.stringify(json));
  return {
    contentType: 'application/octet-stream',
    headers: { [LENGTH]: String(head.length) },
    body: Buffer.concat([head, ...behind]),
  };
}
function tensor(name: string, datatype: string, shape: number[], bytes: number): object {
  return { name, datatype, shape, parameters: { binary_data_size: bytes } };
}

describe('tensors behind the JSON', () => {
  it('are taken in the order of the inputs, beside others that are JSON', () => {
    const text = Buffer.from('ä€');
    const { feeds, rows } = openInference.decode(
      message(
        {
          inputs: [
            tensor('ids', 'INT64', [1], 8),
            { name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] },
            tensor('texts', 'BYTES', [1, 1], 4 + text.length),
          ],
        },
        Buffer.from(BigInt64Array.of(2n ** 53n + 1n).buffer),
        Buffer.from([text.length, 0, 0, 0]),
        text,
      ),
      mixed,
    );
    expect(rows).toBe(1);
    expect([...feeds.ids!.data]).toEqual([2n ** 53n + 1n]);
    expect([...feeds.x!.data]).toEqual([1, 2]);
    expect(feeds.texts!.data).toEqual(['ä€']);
  });

  it('are what perf_analyzer and tritonclient send', () => {
    const { feeds, form } = openInference.decode(
      message(
        {
          id: '',
          inputs: [tensor('x', 'FP32', [2, 2], 16)],
          outputs: [{ name: 'x', parameters: { binary_data: true } }],
        },
        floats(1, 2, 3, 4),
      ),
      pairs,
    );
    expect([...feeds.x!.data]).toEqual([1, 2, 3, 4]);
    expect(form).toEqual({ id: '', outputs: [{ name: 'x', binary: true }], binary: false });
  });

  it.each<[string, Message, RegExp]>([
    [
      'more than there are',
      message({ inputs: [tensor('x', 'FP32', [2, 2], 16)] }, floats(1)),
      /^inputs\[0\] has a binary_data_size of 16, and 4 bytes are left behind the JSON/,
    ],
    [
      'fewer than there are',
      message({ inputs: [tensor('x', 'FP32', [1, 2], 8)] }, floats(1, 2, 3)),
      /^The body has 4 bytes behind the last tensor/,
    ],
    [
      'of another size than the shape',
      message({ inputs: [tensor('x', 'FP32', [2, 2], 8)] }, floats(1, 2)),
      /^Input "x" has 8 bytes, its shape \[2,2\] takes 16/,
    ],
    [
      'that come as JSON, too',
      message({ inputs: [{ ...tensor('x', 'FP32', [1, 2], 8), data: [1, 2] }] }, floats(1, 2)),
      /^Input "x" comes both as JSON and as bytes/,
    ],
    [
      'with a length beyond the body',
      { contentType: '', headers: { [LENGTH]: '99' }, body: Buffer.from('{}') },
      /^Inference-Header-Content-Length is "99", and the body has 2 bytes/,
    ],
    [
      'with a length that is none',
      { contentType: '', headers: { [LENGTH]: '1e1' }, body: Buffer.alloc(20) },
      /^Inference-Header-Content-Length is "1e1"/,
    ],
    [
      'with a size that is none',
      message({ inputs: [{ ...tensor('x', 'FP32', [1, 2], -1) }] }, floats(1, 2)),
      /-1 at byte/,
    ],
  ])('are refused: %s', (_, request, sentence) => {
    expect(() => openInference.decode(request, pairs)).toThrow(sentence);
  });

  it('whatever they are, are read or refused in a sentence', () => {
    const good = message({ inputs: [tensor('x', 'FP32', [1, 2], 8)] }, floats(1, 2));
    fc.assert(
      fc.property(
        fc.nat(good.body.length),
        fc.uint8Array({ maxLength: 9 }),
        fc.nat(good.body.length + 9),
        (at, bytes, length) => {
          const body = Buffer.concat([good.body.subarray(0, at), bytes, good.body.subarray(at)]);
          try {
            openInference.decode({ ...good, headers: { [LENGTH]: String(length) }, body }, pairs);
          } catch (error) {
            expect(error).toBeInstanceOf(InflessError);
            expect((error as InflessError).code).toBe('INVALID_INPUT');
          }
        },
      ),
    );
  });
});

describe('a body that is a tensor and nothing else', () => {
  const raw = (body: Uint8Array, model: ModelManifest, headers = { [LENGTH]: '0' }) =>
    openInference.decode({ contentType: 'application/octet-stream', headers, body }, model);

  it('is as many rows as it has', () => {
    const { feeds, rows } = raw(floats(1, 2, 3, 4), pairs);
    expect(rows).toBe(2);
    expect(feeds.x).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
  });

  it('is one row where another size is open', () => {
    const open: TensorSpec = { name: 'x', dtype: 'float32', shape: [null, null, 2], batchAxis: 0 };
    expect(raw(floats(1, 2, 3, 4, 5, 6), manifest(open)).feeds.x!.shape).toEqual([1, 3, 2]);
  });

  it('is known by its content type, where its first byte is none of JSON', () => {
    const contentType = 'application/octet-stream';
    const { feeds } = openInference.decode({ contentType, body: floats(1, 2) }, pairs);
    expect([...feeds.x!.data]).toEqual([1, 2]);
    const json = Buffer.from('{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[3,4]}]}');
    expect([...openInference.decode({ contentType, body: json }, pairs).feeds.x!.data]).toEqual([3, 4]);
  });

  it.each<[string, Uint8Array, ModelManifest, RegExp]>([
    ['of several inputs', floats(1), mixed, /does not tell enough: the model has 3 inputs/],
    ['of strings', floats(1), manifest(texts), /does not tell enough: the model takes strings/],
    ['of no whole row', floats(1), pairs, /^A body of 4 bytes is no input "x" of shape \[N,2\]/],
    ['of no whole number', Buffer.alloc(7), pairs, /^A body of 7 bytes is no input/],
  ])('is refused: %s', (_, body, model, sentence) => {
    expect(() => raw(body, model)).toThrow(sentence);
  });
});

describe('answers', () => {
  const outputs: NamedTensors = {
    x: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(0.1, 2) },
    ids: { dtype: 'int64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
    texts: { dtype: 'string', shape: [1, 1], data: ['ö'] },
  };
  const request = {
    inputs: [
      { name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] },
      { name: 'ids', datatype: 'INT64', shape: [1], data: [1] },
      { name: 'texts', datatype: 'BYTES', shape: [1, 1], data: ['a'] },
    ],
  };
  function answer(asked: object): { head: Record<string, unknown>; behind: Buffer; contentType: string } {
    const decoded = openInference.decode(message({ ...request, ...asked }), mixed);
    const { contentType, headers, body } = openInference.encode(outputs, decoded, mixed);
    const length = headers === undefined ? body.length : Number(headers[LENGTH]);
    const head = JSON.parse(Buffer.from(body.subarray(0, length)).toString()) as Record<string, unknown>;
    return { head, behind: Buffer.from(body.subarray(length)), contentType };
  }

  it('are bytes behind the JSON where the request wishes it', () => {
    const { head, behind, contentType } = answer({ id: '7', parameters: { binary_data_output: true } });
    expect(contentType).toBe('application/octet-stream');
    expect(head).toEqual({
      model_name: 'm',
      model_version: '1',
      id: '7',
      outputs: [
        tensor('x', 'FP32', [1, 2], 8),
        tensor('ids', 'INT64', [1], 8),
        tensor('texts', 'BYTES', [1, 1], 6),
      ],
    });
    expect(behind).toEqual(
      Buffer.concat([
        floats(0.1, 2),
        Buffer.from(BigInt64Array.of(-(2n ** 63n)).buffer),
        Buffer.from([2, 0, 0, 0, 0xc3, 0xb6]),
      ]),
    );
  });

  it('are each what is asked of it, in the order in which it is asked', () => {
    const { head, behind } = answer({
      outputs: [{ name: 'texts', parameters: { binary_data: true } }, { name: 'x' }],
    });
    expect(head.outputs).toEqual([
      tensor('texts', 'BYTES', [1, 1], 6),
      { name: 'x', datatype: 'FP32', shape: [1, 2], data: [0.1, 2] },
    ]);
    expect(behind).toHaveLength(6);
  });

  it('are JSON where nothing is said, or one is excepted', () => {
    expect(answer({}).contentType).toBe('application/json');
    const { behind } = answer({
      outputs: [{ name: 'x', parameters: { binary_data: false } }],
      parameters: { binary_data_output: true },
    });
    expect(behind).toHaveLength(0);
  });
});
