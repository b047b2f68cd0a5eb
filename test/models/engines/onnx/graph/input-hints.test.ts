import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onnxInputHints } from '../../../../../models/engines/onnx/graph/input-hints.ts';
import {
  floatWeights,
  intWeights,
  ModelFolder,
  type TinyGraph,
  tensorInfo,
} from '../../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

const table = (name: string, ...dims: number[]) =>
  floatWeights(name, dims, new Array(dims.reduce((product, size) => product * size, 1)).fill(0));

let count = 0;
async function hints(nodes: TinyGraph['nodes'], weights: TinyGraph['weights'], rank = 2) {
  count += 1;
  const dims = Array.from({ length: rank }, (_, axis) => `d${axis}`);
  const graph = {
    inputs: [tensorInfo('x', 'int64', dims)],
    outputs: [tensorInfo('y', 'float32', ['n'])],
    nodes,
    weights: weights!,
  };
  return onnxInputHints(await folder.write(`net-${count}.onnx`, graph)).get('x');
}

const sub = { opType: 'Gather', input: ['small', 'x'], output: ['inner'] };

describe('what an ONNX graph tells of its inputs', () => {
  it.each<[string, TinyGraph['nodes'], number | undefined]>([
    ['straight', [{ opType: 'Gather', input: ['table', 'x'], output: ['y'] }], 54],
    [
      'through other types and shapes',
      [
        { opType: 'Cast', input: ['x'], output: ['cast'] },
        { opType: 'Reshape', input: ['cast', 'shape'], output: ['flat'] },
        { opType: 'Gather', input: ['table', 'flat'], output: ['y'] },
      ],
      54,
    ],
    [
      'in the smallest of several tables, of which one is in a branch',
      [
        { opType: 'Gather', input: ['table', 'x'], output: ['z'] },
        {
          opType: 'If',
          input: ['flag'],
          output: ['y'],
          attribute: [{ name: 'then_branch', type: 5, g: { node: [sub], output: [{ name: 'inner' }] } }],
        },
      ],
      7,
    ],
    ['nowhere', [{ opType: 'Gather', input: ['x', 'shape'], output: ['y'] }], undefined],
    [
      'after arithmetic',
      [
        { opType: 'Add', input: ['x', 'x'], output: ['z'] },
        { opType: 'Gather', input: ['table', 'z'], output: ['y'] },
      ],
      undefined,
    ],
  ])('ids are below the rows of the table that they are looked up in: %s', async (_, nodes, below) => {
    const found = await hints(nodes, [table('table', 54, 2), table('small', 7, 1), intWeights('shape', [1])]);
    expect(found?.below).toBe(below);
  });

  it('along another axis of the table, too', async () => {
    const attribute = [{ name: 'axis', type: 2, i: 1n }] as const;
    const nodes = [{ opType: 'Gather', input: ['table', 'x'], output: ['y'], attribute: [...attribute] }];
    expect((await hints(nodes, [table('table', 2, 9)]))?.below).toBe(9);
  });

  it.each<[string, TinyGraph['nodes'], number[], number, Record<number, number>]>([
    ['channels', [{ opType: 'Conv', input: ['x', 'w'], output: ['y'] }], [8, 3, 5, 5], 4, { 1: 3 }],
    ['features', [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }], [300, 4], 3, { 2: 300 }],
    [
      'features of a recurrent net',
      [{ opType: 'LSTM', input: ['x', 'w'], output: ['y'] }],
      [1, 8, 40],
      3,
      { 2: 40 },
    ],
  ])('%s are as many as the weights want', async (_, nodes, dims, rank, sizes) => {
    expect((await hints(nodes, [table('w', ...dims)], rank))?.sizes).toEqual(sizes);
  });

  it('weights of Gemm may be turned', async () => {
    const gemm = (transB: bigint) => [
      {
        opType: 'Gemm',
        input: ['x', 'w'],
        output: ['y'],
        attribute: [{ name: 'transB', type: 2, i: transB }],
      },
    ];
    expect((await hints(gemm(0n), [table('w', 6, 2)]))?.sizes).toEqual({ 1: 6 });
    expect((await hints(gemm(1n), [table('w', 6, 2)]))?.sizes).toEqual({ 1: 2 });
  });
});
