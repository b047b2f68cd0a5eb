import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../../models/manifest/feeds.ts';
import { fromHalfBits } from '../../../models/manifest/half.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelManifest, TensorSpec } from '../../../models/manifest/manifest.ts';
import { sliceRows } from '../../../models/manifest/stacking.ts';
import { DTYPES } from '../../../models/manifest/tensor.ts';

function manifest(...inputs: TensorSpec[]): ModelManifest {
  return {
    name: 'm',
    format: 'onnx',
    digest: `sha256:${'0'.repeat(64)}`,
    sizeBytes: 1,
    inputs,
    outputs: inputs,
  };
}

function spec(
  name: string,
  dtype: TensorSpec['dtype'],
  shape: TensorSpec['shape'],
  batchAxis: number | null,
): TensorSpec {
  return { name, dtype, shape, batchAxis };
}

const image = manifest(spec('x', 'float32', [null, 4, 4, 3], 0));

describe('generated inputs', () => {
  it.each(DTYPES)('are what a model of %s takes', (dtype) => {
    const model = manifest(spec('x', dtype, [null, 3], 0));
    expect(rowsOf(model, generateInputs(model, { batch: 5 }))).toBe(5);
  });

  it('are the same for the same seed and differ for another', () => {
    expect(generateInputs(image, { batch: 2, seed: 3 })).toEqual(
      generateInputs(image, { batch: 2, seed: 3 }),
    );
    expect(generateInputs(image, { batch: 2, seed: 3 })).not.toEqual(
      generateInputs(image, { batch: 2, seed: 4 }),
    );
  });

  it.each([0, 1, 2])('keep their rows in a larger batch along axis %i', (axis) => {
    const shape = [2, 3, 4].toSpliced(axis, 1, null as never) as (number | null)[];
    const model = manifest(spec('x', 'float32', shape, axis));
    const [one, eight] = [1, 8].map((batch) => generateInputs(model, { batch }).x!);
    expect(sliceRows(eight!, axis, 0, 1)).toEqual(one);
    expect(sliceRows(eight!, axis, 1, 2).data).not.toEqual(one!.data);
  });

  it('stay in a range that every model of their kind knows', () => {
    const model = manifest(
      spec('pixels', 'uint8', [null, 2000], 0),
      spec('floats', 'float32', [null, 2000], 0),
      spec('halves', 'float16', [null, 2000], 0),
      spec('ids', 'int64', [null, 2000], 0),
      spec('attention_mask', 'int64', [null, 2000], 0),
      spec('flags', 'bool', [null, 2000], 0),
    );
    const range = (name: string, read: (value: number) => number = Number) => {
      const numbers = [...generateInputs(model, { batch: 1 })[name]!.data].map((value) =>
        read(value as number),
      );
      return [Math.min(...numbers), Math.max(...numbers)];
    };
    expect(range('pixels')).toEqual([0, 255]);
    expect(range('ids')).toEqual([0, 99]);
    expect(range('attention_mask')).toEqual([0, 1]);
    expect(range('flags')).toEqual([0, 1]);
    for (const [least, most] of [range('floats'), range('halves', fromHalfBits)]) {
      expect(least).toBeGreaterThanOrEqual(0);
      expect(least).toBeLessThan(0.01);
      expect(most).toBeGreaterThan(0.99);
      expect(most).toBeLessThanOrEqual(1);
    }
  });

  it('choose sizes for free dimensions', () => {
    const model = manifest(
      spec('image', 'float32', [null, 3, null, null], 0),
      spec('tokens', 'int64', [null, null], 0),
      spec('sound', 'float32', [null, 8], null),
    );
    const shapes = Object.values(generateInputs(model, { batch: 2 })).map(({ shape }) => shape);
    expect(shapes).toEqual([
      [2, 3, 224, 224],
      [2, 128],
      [1, 8],
    ]);
  });

  it('take sizes given as a whole shape or as that of a row', () => {
    const model = manifest(spec('x', 'int64', [null, null], 0));
    const shape = (given: number[]) => generateInputs(model, { batch: 2, shapes: { x: given } }).x!.shape;
    expect(shape([7, 5])).toEqual([2, 5]);
    expect(shape([5])).toEqual([2, 5]);
  });

  it.each([
    [{ x: [1, 5, 4, 3] }, 'Shape [1,5,4,3] does not fit input "x", which is [N,4,4,3]'],
    [{ x: [4] }, 'Shape [4] does not fit input "x", which is [N,4,4,3]'],
    [{ y: [4] }, 'Model m has no input "y" to give a shape'],
  ])('refuse shapes %j', (shapes, message) => {
    expect(() => generateInputs(image, { batch: 1, shapes })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message }),
    );
  });
});
