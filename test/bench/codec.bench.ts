import { createRequire } from 'node:module';
import { bench, describe } from 'vitest';
import { seededRandom } from '../../models/base/random.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import type { NamedTensors } from '../../models/manifest/tensor.ts';
import type * as TensorflowServing from '../../models/protocols/tensorflow-serving.ts';

/** The compiled code, as production runs it: vitest's own loading makes every imported name a lookup. */
const { tensorflowServing } = createRequire(import.meta.url)(
  '../../dist/models/protocols/tensorflow-serving.js',
) as typeof TensorflowServing;

/** The request of an image model: one row of 224×224×3 floats, written as Python clients do. */
const SHAPE = [1, 224, 224, 3];
const manifest: ModelManifest = {
  name: 'mobilenet',
  format: 'onnx',
  digest: `sha256:${'0'.repeat(64)}`,
  sizeBytes: 0,
  inputs: [{ name: 'inputs', dtype: 'float32', shape: [null, 224, 224, 3], batchAxis: 0 }],
  outputs: [{ name: 'predictions', dtype: 'float32', shape: [null, 1000], batchAxis: 0 }],
};

const random = seededRandom(7);
const pixels = Float32Array.from({ length: 224 * 224 * 3 }, () => Math.floor(random() * 256) / 255);
const classes = Float32Array.from({ length: 1000 }, () => random());

/** `digits` 8: the float32's own; 17: the same number held in a double, as `ndarray.tolist()` gives it. */
function body(digits: number): Buffer {
  const text = (value: number) => (digits > 9 ? String(value) : String(Number(value.toPrecision(digits))));
  const rows = Array.from({ length: 224 }, (_, y) =>
    Array.from({ length: 224 }, (_, x) => {
      const at = (y * 224 + x) * 3;
      return `[${text(pixels[at]!)},${text(pixels[at + 1]!)},${text(pixels[at + 2]!)}]`;
    }).join(','),
  );
  return Buffer.from(`{"signature_name":"serving_default","instances":[{"inputs":[[${rows.join('],[')}]]}]}`);
}

for (const digits of [8, 17]) {
  const request = { contentType: 'application/json', body: body(digits) };
  describe(`decode one ${SHAPE.join('×')} row, ${digits} digits, ${(request.body.length / 1e6).toFixed(1)} MB`, () => {
    bench('decode', () => {
      tensorflowServing.decode(request, manifest);
    });
    bench('JSON.parse and flat', () => {
      const { instances } = JSON.parse(request.body.toString()) as { instances: { inputs: number[][][] }[] };
      Float32Array.from(instances[0]!.inputs.flat(2));
    });
  });
}

for (const rows of [1, 100]) {
  const data = new Float32Array(rows * 1000);
  for (let row = 0; row < rows; row += 1) data.set(classes, row * 1000);
  const outputs: NamedTensors = { predictions: { dtype: 'float32', shape: [rows, 1000], data } };
  describe(`encode ${rows} × 1000 classes`, () => {
    bench('encode', () => {
      tensorflowServing.encode(outputs, { feeds: {}, rows, form: 'row' }, manifest);
    });
    bench('JSON.stringify', () => {
      const predictions = Array.from({ length: rows }, (_, row) => [
        ...data.subarray(row * 1000, (row + 1) * 1000),
      ]);
      Buffer.from(JSON.stringify({ predictions }));
    });
  });
}
