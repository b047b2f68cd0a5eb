import { describe, expect, it } from 'vitest';
import { namedShapes } from '../../../models/manifest/example.ts';
import { parseBatchAxis, parseShape, readLikeness } from '../../../models/sample/options.ts';

describe('--batch-axis', () => {
  it('is of an input, or of all', async () => {
    const given = ['images=1', 'a=b=2', '0'].map((text) => parseBatchAxis(text, '--batch-axis'));
    expect(await readLikeness({ sample: undefined, shape: [], batchAxis: given })).toEqual({
      shapes: undefined,
      batchAxes: { images: 1, 'a=b': 2, '': 0 },
    });
  });

  it.each(['', '=3', 'x=', 'x=-1', 'first', '100'])('refuses "%s"', (text) => {
    expect(() => parseBatchAxis(text, '--batch-axis')).toThrow(`--batch-axis "${text}" is not an axis`);
  });
});

describe('--shape', () => {
  it('names an input and its sizes, or the sizes of the only one', () => {
    expect(parseShape('images=1,3,640,640', '--shape')).toEqual(['images', [1, 3, 640, 640]]);
    expect(parseShape('a=b=2, 3', '--shape')).toEqual(['a=b', [2, 3]]);
    expect(parseShape('3,640,640', '--shape')).toEqual(['', [3, 640, 640]]);
    const shapes = { '': [3, 640, 640] };
    expect(namedShapes(shapes, [{ name: 'x' }])).toEqual({ x: [3, 640, 640] });
    expect(() => namedShapes(shapes, [{ name: 'x' }, { name: 'y' }])).toThrow(
      'Shape 3,640,640 does not say of which input it is',
    );
  });

  it.each(['', '=3', 'x=', 'x=big', 'x=0', 'x=-1', 'x=3000000000'])('refuses "%s"', (text) => {
    expect(() => parseShape(text, '--shape')).toThrow(`--shape "${text}" is not the shape of an input`);
  });

  it('excludes a sample', async () => {
    await expect(readLikeness({ sample: 'x.json', shape: [['x', [1]]] })).rejects.toThrow(
      /exclude each other/,
    );
    expect(await readLikeness({ sample: undefined, shape: [['x', [1]]] })).toEqual({ shapes: { x: [1] } });
  });
});
