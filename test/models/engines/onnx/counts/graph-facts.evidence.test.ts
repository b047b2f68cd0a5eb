import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  TensorProto_DataType,
} from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphEvidence } from '../../../../../models/engines/onnx/counts/graph-facts.ts';
import { onnxEngine } from '../../../../../models/engines/onnx/engine.ts';
import { canBatch } from '../../../../../models/manifest/manifest.ts';
import {
  BEST_BOXES,
  COMPRESS,
  NON_ZERO,
  TWICE_IF_LOUD,
  UNIQUE,
} from '../../../../support/counting-models.ts';
import { body, floatsOfRank, type NodeInit, node } from '../../../../support/onnx-nodes.ts';
import {
  encodeTinyModel,
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

let count = 0;
async function batches(graph: TinyGraph | Uint8Array): Promise<boolean> {
  count += 1;
  const path = await folder.write(`model-${count}.onnx`, graph);
  return canBatch(await onnxEngine.inspect(path, 'tiny'));
}

const integer = (name: string, value: number) => ({
  name,
  dims: [],
  dataType: TensorProto_DataType.INT64,
  int64Data: [BigInt(value)],
});

/** From rows `x` of two numbers to rows `y`. Every generated number is positive. */
function rows(nodes: readonly NodeInit[], width = 2): TinyGraph {
  return {
    inputs: [tensorInfo('x', 'float32', ['batch', 2])],
    outputs: [tensorInfo('y', 'float32', ['batch', width])],
    nodes,
    weights: [
      ...[0, 1, 2].map((value) => integer(`i${value}`, value)),
      ...[0, 1, 2, -1].map((value) => intWeights(`[${value}]`, [value])),
      intWeights('[-1,2]', [-1, 2]),
      intWeights('[1,1]', [1, 1]),
      intWeights('[2,1]', [2, 1]),
      floatWeights('zero', [], [0]),
      floatWeights('constant', [1, 2], [1, 2]),
      floatWeights('square', [2, 2], [1, 0, 0, 1]),
    ],
  };
}

/** `kept`: those of the rows whose first number is positive. */
const KEEP: readonly NodeInit[] = [
  node('Gather', 'x i0', 'firsts', { axis: 1 }),
  node('Greater', 'firsts zero', 'keep'),
  node('Compress', 'x keep', 'kept', { axis: 0 }),
];

/** `many`: how many they are; `[many]`: the same as a vector. */
const COUNT: readonly NodeInit[] = [
  ...KEEP.slice(0, 2),
  node('NonZero', 'keep', 'places'),
  node('Shape', 'places', 'shape'),
  node('Gather', 'shape i1', 'many'),
  node('Unsqueeze', 'many [0]', '[many]'),
];

/** `few`: in how many columns every number is positive, which is as good as always in both. */
const COLUMNS: readonly NodeInit[] = [
  node('ReduceMin', 'x', 'lows', { axes: [0], keepdims: 0 }),
  node('NonZero', 'lows', 'columns'),
  node('Shape', 'columns', 'column_shape'),
  node('Gather', 'column_shape i1', 'few'),
  node('Unsqueeze', 'few [0]', '[few]'),
];

const toFloat = (from: string, to: string) => node('Cast', from, to, { to: TensorProto_DataType.FLOAT });

/** Rows of the batch: `[size]`. */
const SIZE: readonly NodeInit[] = [
  node('Shape', 'x', 'sizes', { end: 1 }),
  node('Identity', 'sizes', '[size]'),
];

describe('a model is not batched whose outputs have as many rows as something was counted', () => {
  it.each<readonly [string, TinyGraph]>([
    ['boxes that are kept', BEST_BOXES],
    ['places of what is not zero', NON_ZERO],
    ['rows that are kept', COMPRESS],
    ['rows that are each there once', UNIQUE],
    [
      'times that each is there',
      rows(
        [
          node('Unique', 'x', 'each first last times', { axis: 0 }),
          node('Unsqueeze', 'times [1]', 'column'),
          toFloat('column', 'y'),
        ],
        1,
      ),
    ],
  ])('%s', async (_, graph) => {
    expect(await batches(graph)).toBe(false);
  });

  it.each<readonly [string, readonly NodeInit[]]>([
    ['element by element', [...KEEP, node('Relu', 'kept', 'a'), node('Mul', 'a a', 'y')]],
    ['turned twice', [...KEEP, node('Transpose', 'kept', 'a'), node('Transpose', 'a', 'y')]],
    ['multiplied', [...KEEP, node('MatMul', 'kept square', 'y')]],
    [
      'multiplied the other way round',
      [...KEEP, node('Transpose', 'kept', 'a'), node('Gemm', 'a square', 'y', { transA: 1 })],
    ],
    ['normalised', [...KEEP, node('Softmax', 'kept', 'y', { axis: 1 })]],
    [
      'put one behind the other',
      [
        ...KEEP,
        node('Slice', 'kept [0] [1] [1]', 'left'),
        node('Slice', 'kept [1] [2] [1]', 'right'),
        node('Concat', 'right left', 'y', { axis: 1 }),
      ],
    ],
    ['looked up', [...COUNT, node('Squeeze', 'places [0]', 'list'), node('Gather', 'x list', 'y')]],
    ['looked up by tuples', [...COUNT, node('Transpose', 'places', 'list'), node('GatherND', 'x list', 'y')]],
    ['laid out anew', [...KEEP, node('Reshape', 'kept [-1]', 'flat'), node('Reshape', 'flat [-1,2]', 'y')]],
    [
      'given another axis for a while',
      [
        ...KEEP,
        node('Unsqueeze', 'kept [1]', 'a'),
        node('Conv', 'a kernel', 'b'),
        node('Squeeze', 'b [1]', 'y'),
      ],
    ],
    [
      'summed along the other axis',
      [
        ...KEEP,
        node('ReduceSum', 'kept [1]', 'a'),
        node('Expand', 'a [1,1]', 'b'),
        node('Concat', 'b b', 'y', { axis: 1 }),
      ],
    ],
    ['the best of each', [...KEEP, node('TopK', 'kept [2]', 'y which', { axis: 1 })]],
  ])('that went on from there: %s', async (_, nodes) => {
    const graph = rows(nodes);
    const kernel = floatWeights('kernel', [1, 1, 1], [1]);
    expect(await batches({ ...graph, weights: [...graph.weights!, kernel] })).toBe(false);
  });

  it.each<readonly [string, readonly NodeInit[]]>([
    ['numbers up to it', [node('Range', 'i0 many i1', 'list'), node('Gather', 'x list', 'y')]],
    [
      'as much of one value',
      [node('Concat', '[many] [2]', 'target', { axis: 0 }), node('ConstantOfShape', 'target', 'y')],
    ],
    ['a slice up to there', [node('Slice', 'x [0] [many] [0]', 'y')]],
    [
      'expanded to it',
      [node('Concat', '[many] [2]', 'target', { axis: 0 }), node('Expand', 'constant target', 'y')],
    ],
    [
      'repeated so often',
      [node('Concat', '[many] [1]', 'times', { axis: 0 }), node('Tile', 'constant times', 'y')],
    ],
    [
      'reckoned with',
      [
        node('Add', '[many] [1]', 'more'),
        node('Sub', 'more [1]', 'again'),
        node('Slice', 'x [0] again [0]', 'y'),
      ],
    ],
    [
      'the first so many',
      [node('Mul', 'x zero', 'same'), node('TopK', 'same [many]', 'y which', { axis: 0 })],
    ],
    [
      'turns of a loop',
      [
        node('Loop', 'many -', 'y', {
          body: body(
            [node('Identity', 'goes_on', 'still'), node('Gather', 'x turn', 'row')],
            [tensorInfo('still', 'bool', []), floatsOfRank('row', 1)],
            [tensorInfo('turn', 'int64', []), tensorInfo('goes_on', 'bool', [])],
          ),
        }),
      ],
    ],
  ])('whose number is used as a size: %s', async (_, nodes) => {
    expect(await batches(rows([...COUNT, ...nodes]))).toBe(false);
  });

  it('that a sum of values says', async () => {
    const nodes = [
      ...KEEP.slice(0, 2),
      node('Cast', 'keep', 'ones', { to: TensorProto_DataType.INT64 }),
      node('ReduceSum', 'ones', 'total', { keepdims: 0 }),
      node('Unsqueeze', 'total [0]', 'until'),
      node('Slice', 'x [0] until [0]', 'y'),
    ];
    expect(await batches(rows(nodes))).toBe(false);
  });

  it('inside a branch, that uses what lies around it', async () => {
    const branch = body([node('Compress', 'x keep', 'chosen', { axis: 0 })], [floatsOfRank('chosen', 2)]);
    const nodes = [
      ...KEEP.slice(0, 2),
      node('Size', 'x', 'elements'),
      node('Greater', 'elements i0', 'is_some'),
      node('If', 'is_some', 'y', { then_branch: branch, else_branch: branch }),
    ];
    expect(await batches(rows(nodes))).toBe(false);
  });

  it('walked along, row by row', async () => {
    const nodes = [
      ...KEEP,
      node('Scan', 'kept', 'y', {
        num_scan_inputs: 1,
        body: body([node('Relu', 'row', 'done')], [floatsOfRank('done', 1)], [floatsOfRank('row', 1)]),
      }),
    ];
    expect(await batches(rows(nodes))).toBe(false);
  });

  it('carried through a loop', async () => {
    const nodes = [
      ...KEEP,
      node('Loop', 'i2 - x', 'y', {
        body: body(
          [node('Identity', 'goes_on', 'still'), node('Identity', 'kept', 'after')],
          [tensorInfo('still', 'bool', []), floatsOfRank('after', 2)],
          [tensorInfo('turn', 'int64', []), tensorInfo('goes_on', 'bool', []), floatsOfRank('before', 2)],
        ),
      }),
    ];
    expect(await batches(rows(nodes))).toBe(false);
  });

  it('by a function of the model, told by an attribute along which axis', async () => {
    expect(await batches(withFunction('Compress'))).toBe(false);
    expect(await batches(withFunction('Mask'))).toBe(true);
  });
});

/** `y = choose(x, keep)`, a function that leaves rows out, or only sets them to zero. */
function withFunction(kind: 'Compress' | 'Mask'): Uint8Array {
  const { inputs, outputs, nodes, weights } = rows([
    ...KEEP.slice(0, 2),
    node('choose', 'x keep', 'y', { along: 0 }, 'mine'),
  ]);
  const along = { name: 'axis', type: AttributeType.INT, refAttrName: 'along' };
  const inside =
    kind === 'Compress'
      ? [{ ...node('Compress', 'a b', 'c'), attribute: [along] }]
      : [
          node('NonZero', 'b', 'places'),
          node('Transpose', 'places', 'list'),
          node('GatherND', 'a list', 'found'),
          node('ScatterND', 'a list found', 'c'),
        ];
  const opsets = [
    { domain: '', version: 17n },
    { domain: 'mine', version: 1n },
  ];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: opsets,
      functions: [
        {
          name: 'choose',
          domain: 'mine',
          input: ['a', 'b'],
          output: ['c'],
          attribute: ['along'],
          node: inside,
          opsetImport: opsets,
        },
      ],
      graph: {
        name: 'g',
        input: [...inputs],
        output: [...outputs],
        node: [...nodes],
        initializer: [...weights!],
      },
    }),
  );
}

describe('a model is batched that counts something else', () => {
  it.each<readonly [string, readonly NodeInit[]]>([
    [
      'places to write to',
      [
        ...KEEP.slice(0, 2),
        node('NonZero', 'keep', 'places'),
        node('Transpose', 'places', 'list'),
        node('GatherND', 'x list', 'found'),
        node('ScatterND', 'x list found', 'y'),
      ],
    ],
    [
      'numbers from nought, as older exporters write them',
      [
        ...SIZE,
        node('ConstantOfShape', '[size]', 'ones', {}),
        node('Add', 'ones one', 'all'),
        node('NonZero', 'all', 'places'),
        node('Squeeze', 'places [0]', 'list'),
        node('Gather', 'x list', 'y'),
      ],
    ],
    ['columns', [...COLUMNS, node('Slice', 'x [0] [few] [1]', 'y')]],
    [
      'columns, beside the rows of the batch',
      [
        ...COLUMNS,
        ...SIZE,
        node('Concat', '[size] [few]', 'target', { axis: 0 }),
        node('Slice', 'x [0] [1] [1]', 'first'),
        node('Expand', 'first target', 'y'),
      ],
    ],
    [
      'columns, laid out anew and back',
      [
        ...COLUMNS,
        ...SIZE,
        node('Slice', 'x [0] [few] [1]', 'a'),
        node('Reshape', 'a [-1]', 'b'),
        node('Concat', '[size] [-1]', 'target', { axis: 0 }),
        node('Reshape', 'b target', 'y'),
      ],
    ],
    [
      'what is summed up',
      [
        ...KEEP,
        node('ReduceSum', 'kept [0]', 'sum'),
        node('Mul', 'sum zero', 'nothing'),
        node('Add', 'x nothing', 'y'),
      ],
    ],
    [
      'axes of what was counted, which are always two',
      [
        node('NonZero', 'x', 'places'),
        node('Shape', 'places', 'shape'),
        node('Gather', 'shape i0', 'axes'),
        node('Range', 'i0 axes i1', 'list'),
        node('Gather', 'x list', 'y', { axis: 1 }),
      ],
    ],
    [
      'turns, of which there are as many as rows',
      [
        node('Shape', 'x', 'sizes'),
        node('Gather', 'sizes i0', 'size'),
        node('Loop', 'size -', 'y', {
          body: body(
            [node('Identity', 'goes_on', 'still'), node('Gather', 'x turn', 'row')],
            [tensorInfo('still', 'bool', []), floatsOfRank('row', 1)],
            [tensorInfo('turn', 'int64', []), tensorInfo('goes_on', 'bool', [])],
          ),
        }),
      ],
    ],
    [
      'turns that leave the rows as many as they are',
      [
        ...COLUMNS,
        node('Loop', 'few - x', 'y', {
          body: body(
            [node('Identity', 'goes_on', 'still'), node('Relu', 'before', 'after')],
            [tensorInfo('still', 'bool', []), floatsOfRank('after', 2)],
            [tensorInfo('turn', 'int64', []), tensorInfo('goes_on', 'bool', []), floatsOfRank('before', 2)],
          ),
        }),
      ],
    ],
    [
      'constants',
      [
        node('NonZero', 'square', 'places'),
        node('Gather', 'places i1', 'list'),
        node('Gather', 'x list', 'y', { axis: 1 }),
      ],
    ],
  ])('%s', async (_, nodes) => {
    const graph = rows(nodes);
    const one = floatWeights('one', [], [1]);
    const whole = { ...graph, weights: [...graph.weights!, one] };
    const path = await folder.write('counts.onnx', whole);
    expect(graphEvidence(path).isCounted('y', 0)).toBe(false);
    // What is counted across all rows is another in each company.
    const isAcross = nodes.some(({ output }) => output?.includes('lows') || output?.includes('kept'));
    expect(await batches(whole)).toBe(!isAcross);
  });

  it('boxes of each image, which are padded to a fixed number', async () => {
    const inside = [
      node('Identity', 'goes_on', 'still'),
      node('Gather', 'boxes image', 'own_boxes'),
      node('Gather', 'scores image', 'own_scores'),
      node('Unsqueeze', 'own_boxes [0]', 'one_boxes'),
      node('Unsqueeze', 'own_scores [0]', 'one_scores'),
      node('NonMaxSuppression', 'one_boxes one_scores [2] overlap least', 'selected'),
      node('Gather', 'selected i2', 'places', { axis: 1 }),
      node('Gather', 'own_boxes places', 'kept'),
      node('Shape', 'places', 'count'),
      node('Sub', '[2] count', 'gap'),
      node('Concat', 'gap [0]', 'behind', { axis: 0 }),
      node('Unsqueeze', 'behind [0]', 'behind_row'),
      node('Concat', 'before behind_row', 'pad_rows', { axis: 0 }),
      node('Reshape', 'pad_rows [-1]', 'pads'),
      node('Pad', 'kept pads', 'padded'),
    ];
    const { weights } = rows([]);
    const graph: TinyGraph = {
      inputs: BEST_BOXES.inputs,
      outputs: [tensorInfo('found', 'float32', ['batch', 2, 4])],
      nodes: [
        node('Shape', 'boxes', 'sizes'),
        node('Gather', 'sizes i0', 'images'),
        node('Loop', 'images -', 'found', {
          body: body(
            inside,
            [tensorInfo('still', 'bool', []), floatsOfRank('padded', 2)],
            [tensorInfo('image', 'int64', []), tensorInfo('goes_on', 'bool', [])],
          ),
        }),
      ],
      weights: [...weights!, ...BEST_BOXES.weights!, { ...intWeights('before', [0, 0]), dims: [1n, 2n] }],
    };
    expect(await batches(graph)).toBe(true);
  });

  it('or nothing that anybody could see', async () => {
    const path = await folder.write('loud.onnx', TWICE_IF_LOUD);
    expect(graphEvidence(path).isCounted('y', 0)).toBe(false);
    expect(await batches(encodeTinyModel(rows([node('Relu', 'x', 'y')])))).toBe(true);
  });
});
