import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tfjsEngine } from '../../../../../models/engines/tfjs/engine.ts';
import { canBatch } from '../../../../../models/manifest/manifest.ts';
import {
  type GraphNode,
  graphInit,
  LINEAR_GRAPH,
  placeholder,
  signatureTensor,
  type TfjsInit,
  type WeightInit,
  writeTfjsModel,
} from '../../../../support/tfjs-models.ts';
import { ModelFolder } from '../../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

let count = 0;
async function batches(init: TfjsInit): Promise<boolean> {
  count += 1;
  return canBatch(
    await tfjsEngine.inspect(await writeTfjsModel(join(folder.path, String(count)), init), 'm'),
  );
}

/** A node; operands stand in a row. */
function node(op: string, input: string, name: string, attr: object = {}): GraphNode {
  return { name, op, input: input === '' ? [] : input.split(' '), attr };
}

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
  ...[0, 1, 2, -1].map((value) => ints(`i${value}`, [value], [])),
  ...[0, 1, 2, -1].map((value) => ints(`v${value}`, [value])),
  ints('v-1,2', [-1, 2]),
  ints('v0,0', [0, 0]),
  ints('v1,0', [1, 0]),
  floats('zero', [0], []),
  floats('half', [0.5], []),
  floats('square', [1, 0, 0, 1], [2, 2]),
];

/** From rows `x` of two numbers to `y`. Every generated number is positive. */
function rows(nodes: readonly GraphNode[]): TfjsInit {
  const used = new Set(nodes.flatMap(({ input }) => input)); // what no one uses would be an output
  return graphInit(
    [placeholder('x', 'float32', [-1, 2]), ...nodes],
    WEIGHTS.filter(({ name }) => used.has(name)),
  );
}

/** `keep`: whether the first number of each row is positive; `places`: where it is. */
const KEEP: readonly GraphNode[] = [
  node('GatherV2', 'x i0 i1', 'firsts'),
  node('Greater', 'firsts zero', 'keep'),
  node('Where', 'keep', 'places'),
];

/** `kept`: those rows. */
const KEPT: readonly GraphNode[] = [
  ...KEEP,
  node('Squeeze', 'places', 'list', { squeeze_dims: { list: { i: ['1'] } } }),
  node('GatherV2', 'x list i0', 'kept'),
];

/** `many`: how many they are. */
const COUNT: readonly GraphNode[] = [
  ...KEEP,
  node('Shape', 'places', 'shape'),
  node('StridedSlice', 'shape v0 v1 v1', 'many', { shrink_axis_mask: { i: 1 } }),
];

describe('a graph is not batched whose outputs have as many rows as something was counted', () => {
  it.each<readonly [string, readonly GraphNode[]]>([
    ['places that hold', [...KEEP, node('Identity', 'places', 'y')]],
    ['rows at such places', [...KEPT, node('Relu', 'kept', 'y')]],
    ['rows at such tuples', [...KEEP, node('GatherNd', 'x places', 'y')]],
    [
      'what is there once',
      [node('GatherV2', 'x i0 i1', 'firsts'), node('Unique', 'firsts', 'u'), node('ExpandDims', 'u i1', 'y')],
    ],
    [
      'rows up to there',
      [...COUNT, node('Range', 'i0 many i1', 'numbers'), node('GatherV2', 'x numbers i0', 'y')],
    ],
    ['as much of one value', [...COUNT, node('Pack', 'many i2', 'target'), node('Fill', 'target zero', 'y')]],
    ['a slice up to there', [...COUNT, node('Pack', 'many i2', 'size'), node('Slice', 'x v0,0 size', 'y')]],
    [
      'a strided slice up to there',
      [...COUNT, node('Pack', 'many', 'end'), node('StridedSlice', 'x v0 end v1', 'y')],
    ],
    ['laid out anew', [...KEPT, node('Reshape', 'kept v-1', 'flat'), node('Reshape', 'flat v-1,2', 'y')]],
    ['multiplied', [...KEPT, node('MatMul', 'kept square', 'y')]],
    [
      'turned twice',
      [
        ...KEPT,
        node('Transpose', 'kept v1,0', 'turned'),
        node('MatMul', 'turned square', 'y', { transpose_a: { b: true } }),
      ],
    ],
  ])('%s', async (_, nodes) => {
    expect(await batches(rows(nodes))).toBe(false);
  });

  it.each(['NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5'])(
    'boxes kept by %s',
    async (op) => {
      const operands = ['boxes', 'scores', 'i2', 'half', 'zero', ...(op.endsWith('V5') ? ['zero'] : [])];
      const nodes: GraphNode[] = [
        node('ConcatV2', 'corner x i1', 'boxes'),
        node('Sum', 'x v1', 'scores'),
        { name: 'kept', op, input: operands, attr: {} },
        node('Identity', 'kept', 'y'),
      ];
      // Boxes from the origin: each row is one, and of the generated ones none covers another by half.
      const spread = [node('ZerosLike', 'x', 'corner'), ...nodes];
      const graph = rows(spread);
      expect(await batches(graph)).toBe(false);
    },
  );

  it('under the names of a signature', async () => {
    const init = rows(KEPT);
    expect(
      await batches({
        ...init,
        signature: {
          inputs: { image: signatureTensor('x:0', 'float32', [-1, 2]) },
          outputs: { found: signatureTensor('kept:0', 'float32', [-1, 2]) },
        },
      }),
    ).toBe(false);
  });

  it('inside a function that a branch runs', async () => {
    const branch = (name: string, nodes: readonly GraphNode[]) => ({
      signature: {
        name,
        inputArg: [
          { name: 'a', type: 'DT_FLOAT' },
          { name: 'b', type: 'DT_BOOL' },
        ],
        outputArg: [{ name: 'c', type: 'DT_FLOAT' }],
      },
      nodeDef: nodes,
      ret: { c: 'result:output:0' },
    });
    const choose = [
      node('Where', 'b', 'where'),
      node('GatherNd', 'a where:index:0', 'found'),
      node('Identity', 'found:output:0', 'result'),
    ];
    const keepAll = [node('Relu', 'a', 'all'), node('Identity', 'all:activations:0', 'result')];
    const withBranches = (otherwise: readonly GraphNode[]): TfjsInit => {
      const init = rows([
        ...KEEP.slice(0, 2),
        node('Size', 'x', 'elements'),
        node('Greater', 'elements i0', 'is_some'),
        node('StatelessIf', 'is_some x keep', 'y', {
          then_branch: { func: { name: 'first' } },
          else_branch: { func: { name: 'second' } },
        }),
      ]);
      const library = { function: [branch('first', otherwise), branch('second', keepAll)] };
      return { ...init, modelTopology: { ...init.modelTopology, library } };
    };
    expect(await batches(withBranches(choose))).toBe(false);
    expect(await batches(withBranches(keepAll))).toBe(true);
  });
});

/** Two turns of a loop as older graphs have it, which lead `start` through a Relu. */
function twoTurns(start: string): GraphNode[] {
  const frame = { frame_name: { s: Buffer.from('frame').toString('base64') }, parallel_iterations: { i: 1 } };
  const constant = { ...frame, is_constant: { b: true } };
  return [
    node('Enter', 'i0', 'turn_in', frame),
    node('Enter', start, 'in', frame),
    node('Enter', 'i2', 'turns', constant),
    node('Merge', 'turn_in turn_next', 'turn'),
    node('Merge', 'in next', 'now'),
    node('Less', 'turn turns', 'is_less'),
    node('LoopCond', 'is_less', 'goes_on'),
    node('Switch', 'turn goes_on', 'turn_switch'),
    node('Switch', 'now goes_on', 'switch'),
    node('Enter', 'i1', 'one', constant),
    node('Add', 'turn_switch:1 one', 'turn_after'),
    node('Relu', 'switch:1', 'after'),
    node('NextIteration', 'turn_after', 'turn_next'),
    node('NextIteration', 'after', 'next'),
    node('Exit', 'switch', 'out'),
    node('Identity', 'out', 'y'),
  ];
}

/** Through a list of rows and back. */
const throughList = (from: string): GraphNode[] => [
  node('TensorListFromTensor', `${from} v2`, 'rows_of', { element_dtype: { type: 'DT_FLOAT' } }),
  node('TensorListStack', 'rows_of v2', 'y', { element_dtype: { type: 'DT_FLOAT' } }),
];

describe('a list in a graph', () => {
  it('is as long as the tensor that it was made of', async () => {
    expect(await batches(rows([...KEPT, ...throughList('kept')]))).toBe(false);
    expect(await batches(rows(throughList('x')))).toBe(true);
  });
});

describe('a loop in a graph', () => {
  it('hands on what is counted, and nothing else', async () => {
    expect(await batches(rows([...KEPT, ...twoTurns('kept')]))).toBe(false);
    expect(await batches(rows(twoTurns('x')))).toBe(true);
  });
});

describe('a graph is batched that counts something else', () => {
  it.each<readonly [string, readonly GraphNode[]]>([
    [
      'places to write to',
      [...KEEP, node('GatherNd', 'x places', 'found'), node('TensorScatterUpdate', 'x places found', 'y')],
    ],
    [
      'columns, that are padded again',
      [
        node('Min', 'x v0', 'lows'),
        node('Where', 'lows', 'columns'),
        node('Shape', 'columns', 'shape'),
        node('StridedSlice', 'shape v0 v1 v1', 'few', { shrink_axis_mask: { i: 1 } }),
        node('Pack', 'i0 i0', 'begin'),
        node('Pack', 'i-1 few', 'size'),
        node('Slice', 'x begin size', 'part'),
        node('Sub', 'i2 few', 'gap'),
        node('Pack', 'i0 gap', 'behind'),
        node('Pack', 'begin behind', 'paddings'),
        node('PadV2', 'part paddings zero', 'y'),
      ],
    ],
    [
      'columns',
      [
        node('Min', 'x v0', 'lows'),
        node('Where', 'lows', 'columns'),
        node('Shape', 'columns', 'shape'),
        node('StridedSlice', 'shape v0 v1 v1', 'few', { shrink_axis_mask: { i: 1 } }),
        node('Pack', 'i0 i0', 'begin'),
        node('Pack', 'i-1 few', 'size'),
        node('Slice', 'x begin size', 'y'),
      ],
    ],
    [
      'nothing but rows',
      [
        node('Shape', 'x', 'sizes'),
        node('StridedSlice', 'sizes v0 v1 v1', 'size', { shrink_axis_mask: { i: 1 } }),
        node('Pack', 'size i2', 'target'),
        node('Reshape', 'x v-1', 'flat'),
        node('Reshape', 'flat target', 'y'),
      ],
    ],
  ])('%s', async (_, nodes) => {
    // What is counted across all rows is another for each company.
    const isAcross = nodes.some(({ name }) => name === 'lows');
    expect(await batches(rows(nodes))).toBe(!isAcross);
  });

  it('or nothing', async () => {
    expect(await batches(LINEAR_GRAPH)).toBe(true);
  });
});
