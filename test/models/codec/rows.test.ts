import { describe, expect, it } from 'vitest';
import type { ModelManifest, TensorSpec } from '../../../models/manifest/manifest.ts';
import { openInference } from '../../../models/protocols/open-inference.ts';
import type { Protocol } from '../../../models/protocols/protocol.ts';
import { tensorflowServing } from '../../../models/protocols/tensorflow-serving.ts';

const MOST = 3;

function manifest(...inputs: TensorSpec[]): ModelManifest {
  const digest = `sha256:${'0'.repeat(64)}`;
  return { name: 'm', format: 'onnx', digest, sizeBytes: 0, inputs, outputs: inputs };
}

const x: TensorSpec = { name: 'x', dtype: 'float32', shape: [null, 1], batchAxis: 0 };
const ids: TensorSpec = { name: 'ids', dtype: 'int64', shape: [null], batchAxis: 0 };
const second: TensorSpec = { name: 'x', dtype: 'float32', shape: [1, null], batchAxis: 1 };
const whole: TensorSpec = { name: 'x', dtype: 'float32', shape: [5], batchAxis: null };

/** A request of `rows` rows in each form. */
const FORMS: readonly (readonly [string, ModelManifest, Protocol, (rows: number) => object])[] = [
  ['row form', manifest(x), tensorflowServing, (rows) => ({ instances: Array(rows).fill([1]) })],
  ['rows that are numbers', manifest(ids), tensorflowServing, (rows) => ({ instances: Array(rows).fill(1) })],
  [
    'named rows',
    manifest(x, ids),
    tensorflowServing,
    (rows) => ({ instances: Array(rows).fill({ x: [1], ids: 1 }) }),
  ],
  ['column form', manifest(x), tensorflowServing, (rows) => ({ inputs: { x: Array(rows).fill([1]) } })],
  [
    'column form with the batch along its second axis',
    manifest(second),
    tensorflowServing,
    (rows) => ({ inputs: [Array(rows).fill(1)] }),
  ],
  [
    'an infer request',
    manifest(x),
    openInference,
    (rows) => ({ inputs: [{ name: 'x', datatype: 'FP32', shape: [rows, 1], data: Array(rows).fill(1) }] }),
  ],
  [
    'an infer request with its shape behind its data',
    manifest(x),
    openInference,
    (rows) => ({ inputs: [{ name: 'x', datatype: 'FP32', data: Array(rows).fill(1), shape: [rows, 1] }] }),
  ],
];

function rowsOf(model: ModelManifest, protocol: Protocol, request: object, most?: number): number {
  const body = Buffer.from(JSON.stringify(request));
  return protocol.decode({ contentType: '', body }, model, most).rows;
}

describe('rows of a request', () => {
  it.each(FORMS)('are bounded in %s', (_, model, protocol, request) => {
    expect(rowsOf(model, protocol, request(MOST), MOST)).toBe(MOST);
    expect(rowsOf(model, protocol, request(MOST + 1))).toBe(MOST + 1);
    expect(() => rowsOf(model, protocol, request(MOST + 1), MOST)).toThrow(
      expect.objectContaining({
        code: 'BODY_TOO_LARGE',
        sentence: 'The request has more than the 3 rows taken here. Send fewer rows in a request.',
      }),
    );
  });

  it('are counted while they are read: what comes behind is not looked at', () => {
    const body = Buffer.from(`{"instances":[${'[1],'.repeat(MOST + 1)} this is not JSON`);
    expect(() => tensorflowServing.decode({ contentType: '', body }, manifest(x), MOST)).toThrow(/3 rows/);
  });

  it('are not the elements of a model that has none', () => {
    expect(rowsOf(manifest(whole), tensorflowServing, { instances: [1, 2, 3, 4, 5] }, MOST)).toBe(1);
    expect(rowsOf(manifest(whole), tensorflowServing, { inputs: [1, 2, 3, 4, 5] }, MOST)).toBe(1);
  });
});
