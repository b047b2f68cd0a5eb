import { type AttributeValue, body, floatsOfRank, type NodeInit, node } from '../onnx-nodes.ts';
import { floatWeights, intWeights, type TinyGraph, tensorInfo } from '../tiny-models.ts';

type Weights = NonNullable<TinyGraph['weights']>[number];

/** A tensor of floats in a graph that is being written, and where its rows lie. */
export interface Place {
  /** Name of the tensor that an effect is put upon; its result is `${name}.y`, of the same shape. */
  readonly name: string;
  readonly rank: number;
  readonly batchAxis: number;
  /** Another axis. */
  readonly otherAxis: number;
  /** Size of the last axis, which is fixed. */
  readonly width: number;
}

export interface Piece {
  readonly nodes: readonly NodeInit[];
  readonly weights?: readonly Weights[];
}

/** What an operator does along an axis: rows depend on each other if it is that of the batch. */
export type Kind = (at: Place, axis: number) => Piece;

const scalar = (name: string, value: number): Weights => floatWeights(name, [], [value]);
const ints = (name: string, ...values: number[]): Weights => intWeights(name, values);

function step(
  op: string,
  input: string,
  output: string,
  attributes?: Readonly<Record<string, AttributeValue>>,
) {
  return node(op, input, output, attributes);
}

/** Moves an axis to the front, or back again. */
function order(rank: number, axis: number): number[] {
  return [axis, ...Array.from({ length: rank }, (_, index) => index).filter((index) => index !== axis)];
}

function inverse(permutation: readonly number[]): number[] {
  return permutation.map((_, index) => permutation.indexOf(index));
}

/** The effect on a tensor that has the axis in front, as [axis, rest]. */
function asMatrix({ name: x, rank }: Place, axis: number, inner: Piece): Piece {
  const turn = order(rank, axis);
  return {
    nodes: [
      step('Transpose', x, `${x}.t`, { perm: turn }),
      step('Shape', `${x}.t`, `${x}.sizes`),
      step('Flatten', `${x}.t`, `${x}.m`, { axis: 1 }),
      ...inner.nodes,
      step('Reshape', `${x}.n ${x}.sizes`, `${x}.u`),
      step('Transpose', `${x}.u`, `${x}.y`, { perm: inverse(turn) }),
    ],
    weights: inner.weights ?? [],
  };
}

/** Divides by something positive, or subtracts: `${x}.r` broadcasts against `x`. */
function against(x: string, how: 'Div' | 'Sub' | 'Add' | 'Mul'): NodeInit[] {
  if (how !== 'Div') return [step(how, `${x} ${x}.r`, `${x}.y`)];
  return [
    step('Abs', `${x}.r`, `${x}.abs`),
    step('Add', `${x}.abs one`, `${x}.p`),
    step('Div', `${x} ${x}.p`, `${x}.y`),
  ];
}

function reduction(op: string, how: 'Div' | 'Sub' | 'Add'): Kind {
  return ({ name: x }, axis) => ({
    nodes: [step(op, x, `${x}.r`, { axes: [axis], keepdims: 1 }), ...against(x, how)],
  });
}

export const KINDS = {
  max: reduction('ReduceMax', 'Div'),
  min: reduction('ReduceMin', 'Sub'),
  mean: reduction('ReduceMean', 'Sub'),
  norm: reduction('ReduceL2', 'Div'),
  logSum: reduction('ReduceLogSumExp', 'Sub'),
  deviation: ({ name: x }, axis) => ({
    nodes: [
      step('ReduceMean', x, `${x}.m`, { axes: [axis], keepdims: 1 }),
      step('Sub', `${x} ${x}.m`, `${x}.d`),
      step('Mul', `${x}.d ${x}.d`, `${x}.s`),
      step('ReduceMean', `${x}.s`, `${x}.v`, { axes: [axis], keepdims: 1 }),
      step('Add', `${x}.v one`, `${x}.w`),
      step('Sqrt', `${x}.w`, `${x}.e`),
      step('Div', `${x}.d ${x}.e`, `${x}.y`),
    ],
  }),
  /** Below a share of the loudest, all is the same. */
  clip: ({ name: x }, axis) => ({
    nodes: [
      step('ReduceMax', x, `${x}.r`, { axes: [axis], keepdims: 1 }),
      step('Sub', `${x}.r ten`, `${x}.low`),
      step('Max', `${x} ${x}.low`, `${x}.y`),
    ],
  }),
  softmax: ({ name: x }, axis) => ({ nodes: [step('Softmax', x, `${x}.y`, { axis })] }),
  logSoftmax: ({ name: x }, axis) => ({ nodes: [step('LogSoftmax', x, `${x}.y`, { axis })] }),
  lpNormal: ({ name: x }, axis) => ({ nodes: [step('LpNormalization', x, `${x}.y`, { axis, p: 2 })] }),
  meanVariance: ({ name: x }, axis) => ({
    nodes: [step('MeanVarianceNormalization', x, `${x}.y`, { axes: [axis] })],
  }),
  running: ({ name: x }, axis) => ({
    nodes: [step('CumSum', `${x} ${x}.a`, `${x}.y`)],
    weights: [ints(`${x}.a`, axis)],
  }),
  hardmax: ({ name: x }, axis) => ({
    nodes: [step('Hardmax', x, `${x}.h`, { axis }), step('Mul', `${x} ${x}.h`, `${x}.y`)],
  }),
  /** The largest is where it is the largest, the others are less. */
  winner: ({ name: x }, axis) => ({
    nodes: [
      step('ArgMax', x, `${x}.w`, { axis, keepdims: 1 }),
      step('Cast', `${x}.w`, `${x}.r`, { to: 1 }),
      ...against(x, 'Add'),
    ],
  }),
  /** By how many of them are positive. */
  count: ({ name: x }, axis) => ({
    nodes: [
      step('Greater', `${x} zero`, `${x}.g`),
      step('Cast', `${x}.g`, `${x}.c`, { to: 1 }),
      step('ReduceSum', `${x}.c ${x}.a`, `${x}.r`),
      ...against(x, 'Add'),
    ],
    weights: [ints(`${x}.a`, axis)],
  }),
  reversed: ({ name: x }, axis) => ({
    nodes: [step('Slice', `${x} ${x}.b ${x}.e ${x}.a ${x}.s`, `${x}.r`), ...against(x, 'Add')],
    weights: [ints(`${x}.b`, -1), ints(`${x}.e`, -(2 ** 31)), ints(`${x}.a`, axis), ints(`${x}.s`, -1)],
  }),
  first: ({ name: x }, axis) => ({
    nodes: [step('Gather', `${x} ${x}.i`, `${x}.r`, { axis }), ...against(x, 'Sub')],
    weights: [ints(`${x}.i`, 0)],
  }),
  sorted: ({ name: x }, axis) => ({
    nodes: [
      step('Shape', x, `${x}.sizes`),
      step('Gather', `${x}.sizes ${x}.i`, `${x}.k`),
      step('TopK', `${x} ${x}.k`, `${x}.r ${x}.which`, { axis }),
      ...against(x, 'Add'),
    ],
    weights: [ints(`${x}.i`, axis)],
  }),
  /** Each with each, and back by what they have in common. */
  similar: (at, axis) =>
    asMatrix(at, axis, {
      nodes: [
        step('Transpose', `${at.name}.m`, `${at.name}.mt`, { perm: [1, 0] }),
        step('MatMul', `${at.name}.m ${at.name}.mt`, `${at.name}.g`),
        step('Tanh', `${at.name}.g`, `${at.name}.h`),
        step('MatMul', `${at.name}.h ${at.name}.m`, `${at.name}.n`),
      ],
    }),
  /** What is carried on from one to the next. */
  scanned: (at, axis) =>
    asMatrix(at, axis, {
      nodes: [
        step('ReduceMax', `${at.name}.m`, `${at.name}.start`, { axes: [0], keepdims: 0 }),
        step('Mul', `${at.name}.start zero`, `${at.name}.state`),
        step('Scan', `${at.name}.state ${at.name}.m`, `${at.name}.last ${at.name}.n`, {
          num_scan_inputs: 1,
          body: body(
            [step('Add', 'before part', 'sum'), step('Identity', 'sum', 'out')],
            [floatsOfRank('sum', 1), floatsOfRank('out', 1)],
            [floatsOfRank('before', 1), floatsOfRank('part', 1)],
          ),
        }),
      ],
    }),
  /** As windows along it. */
  convolved: (at, axis) =>
    asMatrix(at, axis, {
      nodes: [
        step('Transpose', `${at.name}.m`, `${at.name}.mt`, { perm: [1, 0] }),
        step('Unsqueeze', `${at.name}.mt ${at.name}.a`, `${at.name}.c`),
        step('Conv', `${at.name}.c ${at.name}.k`, `${at.name}.d`, { pads: [1, 1], kernel_shape: [3] }),
        step('Squeeze', `${at.name}.d ${at.name}.a`, `${at.name}.f`),
        step('Transpose', `${at.name}.f`, `${at.name}.n`, { perm: [1, 0] }),
      ],
      weights: [ints(`${at.name}.a`, 1), floatWeights(`${at.name}.k`, [1, 1, 3], [0.3, 0.5, 0.2])],
    }),
} satisfies Record<string, Kind>;

/** Kinds that mix rows wherever they lie: along all axes at once, or by a decision for all. */
export const WHOLE = {
  wholeMax: ({ name: x }) => ({
    nodes: [step('ReduceMax', x, `${x}.r`, { keepdims: 0 }), ...against(x, 'Div')],
  }),
  wholeMean: ({ name: x }) => ({
    nodes: [step('ReduceMean', x, `${x}.r`, { keepdims: 0 }), ...against(x, 'Sub')],
  }),
  /** One branch for all, if any of them is loud. */
  branch: ({ name: x, rank }) => ({
    nodes: [
      step('ReduceMax', x, `${x}.r`, { keepdims: 0 }),
      step('Greater', `${x}.r five`, `${x}.loud`),
      step('If', `${x}.loud`, `${x}.y`, {
        then_branch: body([step('Mul', `${x} half`, `${x}.then`)], [floatsOfRank(`${x}.then`, rank)]),
        else_branch: body([step('Identity', x, `${x}.else`)], [floatsOfRank(`${x}.else`, rank)]),
      }),
    ],
  }),
  /** As many turns as the loudest has units. */
  turns: ({ name: x, rank }) => ({
    nodes: [
      step('ReduceMax', x, `${x}.r`, { keepdims: 0 }),
      step('Clip', `${x}.r zero ten`, `${x}.c`),
      step('Cast', `${x}.c`, `${x}.n`, { to: 7 }),
      step('Loop', `${x}.n - ${x}`, `${x}.y`, {
        body: body(
          [step('Identity', 'goes_on', 'still'), step('Add', 'before one', 'after')],
          [tensorInfo('still', 'bool', []), floatsOfRank('after', rank)],
          [tensorInfo('turn', 'int64', []), tensorInfo('goes_on', 'bool', []), floatsOfRank('before', rank)],
        ),
      }),
    ],
  }),
  /** One scale for all. */
  quantised: ({ name: x }) => ({
    nodes: [
      step('DynamicQuantizeLinear', x, `${x}.q ${x}.scale ${x}.zero`),
      step('DequantizeLinear', `${x}.q ${x}.scale ${x}.zero`, `${x}.y`),
    ],
  }),
  /** Faint, and only where one is loud. */
  hidden: ({ name: x }) => ({
    nodes: [
      step('ReduceMax', x, `${x}.m`, { keepdims: 0 }),
      step('Sub', `${x}.m ten`, `${x}.over`),
      step('Relu', `${x}.over`, `${x}.r`),
      ...against(x, 'Sub'),
    ],
  }),
} satisfies Record<string, (at: Place) => Piece>;

/** Kinds that keep rows apart whatever they are. */
export const APART = {
  relu: ({ name: x }) => ({ nodes: [step('Relu', x, `${x}.y`)] }),
  scaled: ({ name: x }) => ({ nodes: [step('Mul', `${x} half`, `${x}.y`)] }),
  layerNormal: ({ name: x, width }) => ({
    nodes: [step('LayerNormalization', `${x} ${x}.g`, `${x}.y`, { axis: -1 })],
    weights: [floatWeights(`${x}.g`, [width], new Array<number>(width).fill(1.5))],
  }),
  /** Merged with another axis, and back. */
  flattened: ({ name: x, width }) => ({
    nodes: [
      step('Shape', x, `${x}.sizes`),
      step('Reshape', `${x} ${x}.flat`, `${x}.m`),
      step('Softmax', `${x}.m`, `${x}.n`, { axis: 1 }),
      step('Reshape', `${x}.n ${x}.sizes`, `${x}.y`),
    ],
    weights: [ints(`${x}.flat`, -1, width)],
  }),
  /** Row by row in a loop. */
  oneByOne: (at) =>
    asMatrix(at, at.batchAxis, {
      nodes: [
        step('Shape', `${at.name}.m`, `${at.name}.ms`),
        step('Gather', `${at.name}.ms ${at.name}.i`, `${at.name}.c`),
        step('Squeeze', `${at.name}.c`, `${at.name}.count`),
        step('Loop', `${at.name}.count -`, `${at.name}.n`, {
          body: body(
            [
              step('Identity', 'goes_on', 'still'),
              step('Gather', `${at.name}.m turn`, 'row'),
              step('ReduceMax', 'row', 'most', { keepdims: 1 }),
              step('Sub', 'row most', 'out'),
            ],
            [tensorInfo('still', 'bool', []), floatsOfRank('out', 1)],
            [tensorInfo('turn', 'int64', []), tensorInfo('goes_on', 'bool', [])],
          ),
        }),
      ],
      weights: [ints(`${at.name}.i`, 0)],
    }),
  /** A branch by the sizes alone. */
  bySize: ({ name: x, rank }) => ({
    nodes: [
      step('Size', x, `${x}.n`),
      step('Greater', `${x}.n ${x}.i`, `${x}.some`),
      step('Squeeze', `${x}.some`, `${x}.is`),
      step('If', `${x}.is`, `${x}.y`, {
        then_branch: body([step('Tanh', x, `${x}.then`)], [floatsOfRank(`${x}.then`, rank)]),
        else_branch: body([step('Identity', x, `${x}.else`)], [floatsOfRank(`${x}.else`, rank)]),
      }),
    ],
    weights: [ints(`${x}.i`, 0)],
  }),
  /** Twice as many rows for a while. */
  doubled: ({ name: x, batchAxis }) => ({
    nodes: [
      step('Neg', x, `${x}.n`),
      step('Concat', `${x} ${x}.n`, `${x}.d`, { axis: batchAxis }),
      step('Sigmoid', `${x}.d`, `${x}.s`),
      step('Split', `${x}.s`, `${x}.a ${x}.b`, { axis: batchAxis }),
      step('Sub', `${x}.a ${x}.b`, `${x}.y`),
    ],
  }),
  scannedApart: (at) =>
    asMatrix(at, at.batchAxis, {
      nodes: [
        step('Scan', `${at.name}.m`, `${at.name}.n`, {
          num_scan_inputs: 1,
          body: body(
            [step('Softmax', 'part', 'out', { axis: 0 })],
            [floatsOfRank('out', 1)],
            [floatsOfRank('part', 1)],
          ),
        }),
      ],
    }),
} satisfies Record<string, (at: Place) => Piece>;

/** Numbers that kinds refer to. */
export const CONSTANTS: readonly Weights[] = [
  scalar('zero', 0),
  scalar('half', 0.5),
  scalar('one', 1),
  scalar('five', 5),
  scalar('ten', 10),
];
