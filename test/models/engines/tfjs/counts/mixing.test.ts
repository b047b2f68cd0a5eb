import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tfjsEngine } from '../../../../../models/engines/tfjs/engine.ts';
import { Program } from '../../../../../models/engines/tfjs/program.ts';
import { canBatch } from '../../../../../models/manifest/manifest.ts';
import {
  type GraphNode,
  graphInit,
  placeholder,
  type WeightInit,
  writeTfjsModel,
} from '../../../../support/tfjs-models.ts';
import { ModelFolder } from '../../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

const ints = (name: string, values: readonly number[], shape = [values.length]): WeightInit => ({
  name,
  shape,
  dtype: 'int32',
  values,
});
const floats = (name: string, values: readonly number[], shape: readonly number[]): WeightInit => ({
  name,
  shape,
  dtype: 'float32',
  values,
});

const WEIGHTS: readonly WeightInit[] = [
  ...[0, 1].map((value) => ints(`i${value}`, [value], [])),
  ...[0, 1].map((value) => ints(`v${value}`, [value])),
  ints('v0,1', [0, 1]),
  ints('v1,0', [1, 0]),
  ints('v0,0', [0, 0]),
  ints('v1,1', [1, 1]),
  ints('v-1,2', [-1, 2]),
  floats('billion', [1e9], []),
  floats('square', [1, 0, 0, 1], [2, 2]),
];

const flag = { b: true };
const node = (op: string, input: string, name: string, attr: object = {}): GraphNode => ({
  name,
  op,
  input: input.split(' '),
  attr,
});

let count = 0;
/** From rows `x` of two numbers to `y`. */
async function write(nodes: readonly GraphNode[]): Promise<string> {
  const used = new Set(nodes.flatMap(({ input }) => input)); // what no one uses would be an output
  const weights = WEIGHTS.filter(({ name }) => used.has(name));
  count += 1;
  return writeTfjsModel(
    join(folder.path, String(count)),
    graphInit([placeholder('x', 'float32', [-1, 2]), ...nodes], weights),
  );
}

/** What the graph alone says of rows along the first axis. */
async function mixing(nodes: readonly GraphNode[]): Promise<string | undefined> {
  const program = await Program.load(await write(nodes), { cpuMillicores: 1000, gpuPercent: 0 });
  try {
    return (await program.evidence()).mixing([0], 'y');
  } finally {
    program.dispose();
  }
}

describe('a graph of TensorFlow operators shows that rows depend on each other', () => {
  it.each<readonly [string, string, readonly GraphNode[]]>([
    [
      'the share of the largest of all rows',
      'Max',
      [node('Max', 'x v0', 'most', { keep_dims: flag }), node('RealDiv', 'x most', 'y')],
    ],
    [
      'softmax over the rows',
      'Softmax',
      [
        node('Transpose', 'x v1,0', 'turned'),
        node('Softmax', 'turned', 'shares'),
        node('Transpose', 'shares v1,0', 'y'),
      ],
    ],
    ['sums of all rows so far', 'Cumsum', [node('Cumsum', 'x i0', 'y')]],
    ['the other way round', 'ReverseV2', [node('ReverseV2', 'x v0', 'y')]],
    ['the mean of all', 'Mean', [node('Mean', 'x v0,1', 'mean'), node('Sub', 'x mean', 'y')]],
    [
      'products of rows with each other',
      'MatMul',
      [node('MatMul', 'x x', 'among', { transpose_b: flag }), node('MatMul', 'among x', 'y')],
    ],
    ['the best of all rows', 'ArgMax', [node('ArgMax', 'x i0', 'best'), node('Gather', 'x best', 'y')]],
    [
      'the distance to the first row',
      'StridedSlice',
      [
        node('StridedSlice', 'x v0 v1 v1', 'first', { shrink_axis_mask: { i: 1 } }),
        node('Sub', 'x first', 'y'),
      ],
    ],
  ])('%s', async (_, operator, nodes) => {
    expect(await mixing(nodes)).toContain(`the operator ${operator} `);
  });

  it('in a branch that all rows take together', async () => {
    const nodes = [
      node('Max', 'x v0,1', 'most'),
      node('Greater', 'most billion', 'is'),
      node('Switch', 'x is', 'way'),
      node('Neg', 'way:1', 'turned'),
      node('Merge', 'way turned', 'y'),
    ];
    expect(await mixing(nodes)).toMatch(/Max|Switch/);
  });

  it('where no trial does', async () => {
    const nodes = [
      node('Max', 'x v0,1', 'most'),
      node('Greater', 'most billion', 'is'),
      node('Neg', 'x', 'turned'),
      node('SelectV2', 'is turned x', 'y'),
    ];
    const manifest = await tfjsEngine.inspect(await write(nodes), 'm');
    expect(manifest.batching).toEqual({
      state: 'refuted',
      reason: 'the operator Max makes one number of several rows',
      axes: { inputs: [0], outputs: [0] },
    });
    expect(canBatch(manifest)).toBe(false);
  });
});

describe('a graph of TensorFlow operators says nothing against rows', () => {
  it.each<readonly [string, readonly GraphNode[]]>([
    ['softmax of each', [node('Softmax', 'x', 'y')]],
    [
      'less the mean of each',
      [node('Mean', 'x v1', 'mean', { keep_dims: flag }), node('Sub', 'x mean', 'y')],
    ],
    ['sums along each', [node('Cumsum', 'x i1', 'y')]],
    ['of products with weights', [node('MatMul', 'x square', 'h'), node('Relu', 'h', 'y')]],
    [
      'that are turned there and back',
      [
        node('Transpose', 'x v1,0', 'turned'),
        node('MatMul', 'square turned', 'h'),
        node('Transpose', 'h v1,0', 'y'),
      ],
    ],
    [
      'of which a part is taken, and laid out anew',
      [
        node('StridedSlice', 'x v0,0 v0,1 v1,1', 'part', { begin_mask: { i: 1 }, end_mask: { i: 1 } }),
        node('ConcatV2', 'part part i1', 'twice'),
        node('Reshape', 'twice v-1,2', 'y'),
      ],
    ],
    [
      'opened and closed',
      [node('ExpandDims', 'x i1', 'o'), node('Squeeze', 'o', 'y', { squeeze_dims: { list: { i: ['1'] } } })],
    ],
  ])('%s', async (_, nodes) => {
    expect(await mixing(nodes)).toBeUndefined();
    expect(canBatch(await tfjsEngine.inspect(await write(nodes), 'm'))).toBe(true);
  });
});
