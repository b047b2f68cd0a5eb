import { describe, expect, it } from 'vitest';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { TensorSpec } from '../../../models/manifest/manifest.ts';
import {
  formatShapes,
  guessCaveats,
  hasShapes,
  measuredShapes,
  shapeDifference,
  shapesOfTable,
  shapeWarnings,
} from '../../../profiles/conditions/shapes.ts';
import type { MeasuredShape, ProfileTable } from '../../../profiles/table.ts';
import { cell, table } from '../sample-table.ts';

const image: TensorSpec = {
  name: 'images',
  dtype: 'float32',
  shape: [null, 3, null, null],
  batchAxis: 0,
};
const rate: TensorSpec = { name: '__proto__', dtype: 'int64', shape: [1], batchAxis: null };
const output: TensorSpec = { name: 'y', dtype: 'float32', shape: [null, 2], batchAxis: 0 };

/** A table of a model with these inputs. */
function tableOf(inputs: TensorSpec[], change: Partial<ProfileTable> = {}): ProfileTable {
  const base = table([cell(1, 1000, 20)]);
  return { ...base, model: { ...base.model, inputs, outputs: [output] }, ...change };
}

function images(row: number[], source: MeasuredShape['source'] = 'given'): MeasuredShape {
  return { input: 'images', row, source };
}

describe('measuredShapes', () => {
  const manifest = { name: 'net', inputs: [image, rate] };

  it('are of one row, and say which sizes were guessed', () => {
    const row = generateInputs(manifest, { batch: 1 });
    expect(measuredShapes(manifest, row)).toEqual([
      { input: 'images', row: [3, 224, 224], source: 'guessed' },
      { input: '__proto__', row: [1], source: 'model' },
    ]);
  });

  it.each(['given', 'sample'] as const)('name what the user gave: %s', (shapeFrom) => {
    const told = { ...image, example: { shape: [3, 640, 640], shapeFrom } };
    const model = { name: 'net', inputs: [told, rate] };
    const row = generateInputs(model, { batch: 1 });
    expect(measuredShapes(model, row)[0]).toEqual(images([3, 640, 640], shapeFrom));
  });

  it.each([
    ['graph', 'model'],
    ['tried', 'guessed'],
  ] as const)('say where sizes come from that are in the manifest: %s', (shapeFrom, source) => {
    const model = { name: 'net', inputs: [{ ...image, example: { shape: [1, 3, 32, 32], shapeFrom } }] };
    const row = generateInputs(model, { batch: 1 });
    expect(measuredShapes(model, row)).toEqual([images([3, 32, 32], source)]);
  });
});

describe('shapesOfTable', () => {
  it('are those recorded', () => {
    expect(shapesOfTable(tableOf([image], { shapes: [images([3, 8, 8])] }))).toEqual([images([3, 8, 8])]);
  });

  it('of an older table are known where the model fixes them', () => {
    expect(shapesOfTable(tableOf([rate]))).toEqual([{ input: '__proto__', row: [1], source: 'model' }]);
    expect(shapesOfTable(tableOf([image]))).toBeUndefined();
  });
});

describe('shapeDifference', () => {
  const small = tableOf([image], { shapes: [images([3, 224, 224], 'guessed')] });
  const large = tableOf([image], { shapes: [images([3, 640, 640])] });

  it('is none between tables of the same rows, however they were chosen', () => {
    expect(shapeDifference(small, tableOf([image], { shapes: [images([3, 224, 224])] }))).toBeUndefined();
    expect(shapeDifference(tableOf([image]), tableOf([image]))).toBeUndefined();
  });

  it('names both', () => {
    expect(shapeDifference(small, large)).toEqual(['images 3×224×224', 'images 3×640×640']);
    expect(shapeDifference(small, tableOf([image]))).toEqual(['images 3×224×224', 'not recorded']);
  });
});

it('a table has the sizes asked for, of a row or whole', () => {
  const large = tableOf([image], { shapes: [images([3, 640, 640])] });
  expect(hasShapes(large, { images: [3, 640, 640] })).toBe(true);
  expect(hasShapes(large, { images: [1, 3, 640, 640] })).toBe(true);
  expect(hasShapes(large, {})).toBe(true);
  expect(hasShapes(large, { images: [3, 640, 320] })).toBe(false);
  expect(hasShapes(large, { other: [3, 640, 640] })).toBe(false);
  expect(hasShapes(tableOf([image]), { images: [3, 640, 640] })).toBe(false);
});

it('a guess is told with the option that puts it right', () => {
  const guessed = [images([3, 224, 224], 'guessed'), { input: 'k', row: [], source: 'model' as const }];
  expect(formatShapes(guessed)).toBe('images 3×224×224 (guessed), k 1');
  expect(guessCaveats({ shapes: guessed })).toEqual([
    'GUESSED SIZES: rows of images 3×224×224. No time here holds for rows of other sizes: give those of your requests, as in --shape images=3,224,224.',
  ]);
  expect(guessCaveats({ shapes: [images([3, 8, 8])] })).toEqual([]);
  expect(guessCaveats({})).toEqual([]);
});

describe('whoever plans with a table', () => {
  const like = (shape: number[], shapeFrom: 'given' | 'tried'): TensorSpec => ({
    ...image,
    example: { shape, shapeFrom },
  });
  const small = tableOf([image], { shapes: [images([3, 224, 224], 'guessed')] });

  it('hears that its rows lie along another axis', () => {
    const [turned, alone] = [2, null].map((batchAxis) => ({
      name: 'net',
      inputs: [{ ...image, batchAxis }],
    }));
    expect(shapeWarnings(small, 't.json', turned!)).toEqual([
      'Profile table t.json was measured with rows along axis 0 of input "images", not 2: measure it again with --batch-axis images=2.',
    ]);
    expect(shapeWarnings(small, 't.json', alone!)[0]).not.toContain('--batch-axis');
  });

  it('hears that its rows are of other sizes than those of its function', () => {
    const served = { name: 'net', inputs: [like([3, 640, 640], 'given')] };
    expect(shapeWarnings(small, 't.json', served)).toEqual([
      'Profile table t.json was measured with rows of images 3×224×224, not images 3×640×640: measure it again with these.',
    ]);
    expect(shapeWarnings(tableOf([image]), 't.json', served)[0]).toContain('rows of unknown sizes');
    expect(shapeWarnings(small, 't.json', { name: 'net', inputs: [like([3, 224, 224], 'given')] })).toEqual(
      [],
    );
  });

  it('hears that they were guessed where nobody says what requests are like', () => {
    const served = { name: 'net', inputs: [like([3, 224, 224], 'tried')] };
    expect(shapeWarnings(small, 't.json', served)[0]).toContain('rows of guessed sizes (images 3×224×224)');
    expect(shapeWarnings(tableOf([rate]), 't.json', { name: 'net', inputs: [rate] })).toEqual([]);
  });
});
