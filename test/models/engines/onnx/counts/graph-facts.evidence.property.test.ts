import fc from 'fast-check';
import { TensorProto_DataType } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphEvidence } from '../../../../../models/engines/onnx/counts/graph-facts.ts';
import { createSession, runSession } from '../../../../../models/engines/onnx/session.ts';
import type { NamedTensors, Tensor } from '../../../../../models/manifest/tensor.ts';
import { body, floatsOfRank, type NodeInit, node } from '../../../../support/onnx-nodes.ts';
import {
  floatWeights,
  intWeights,
  ModelFolder,
  type TinyGraph,
  tensorInfo,
} from '../../../../support/tiny-models.ts';

/** Every tensor of a graph is a matrix of floats; a step makes another of one or two that are there. */
interface Step {
  readonly kind: keyof typeof STEPS;
  readonly a: number;
  readonly b: number;
  readonly axis: 0 | 1;
  readonly other: 0 | 1;
}

interface Operands {
  readonly x: string;
  readonly z: string;
  readonly y: string;
  readonly axis: 0 | 1;
  /** An axis of `z`. */
  readonly other: 0 | 1;
}

const toFloat = (from: string, to: string) => node('Cast', from, to, { to: TensorProto_DataType.FLOAT });

/** `y[size]`: how long `z` is along an axis, as a vector of one. */
const sizeOf = ({ z, y, other }: Operands): NodeInit[] => [
  node('Shape', z, `${y}.shape`),
  node('Gather', `${y}.shape [${other}]`, `${y}.size`),
];

/** For each place on an axis of `x`, whether the values there are above nought on the whole. */
const above = ({ x, y, axis }: Operands): NodeInit[] => [
  node('ReduceSum', `${x} [${1 - axis}]`, `${y}.sums`, { keepdims: 0 }),
  node('Greater', `${y}.sums zero`, `${y}.above`),
];

/** `y.some`: one more row and column. Some operators of the runtime crash on an empty tensor. */
const notEmpty = ({ x, y }: Operands): NodeInit[] => [node('Pad', `${x} [1,1,0,0]`, `${y}.some`)];

/** Whatever is counted in here comes from values. */
const COUNTING = {
  compress: (at: Operands) => [
    ...above(at),
    node('Compress', `${at.x} ${at.y}.above`, at.y, { axis: at.axis }),
  ],
  places: ({ x, y }: Operands) => [node('NonZero', x, `${y}.places`), toFloat(`${y}.places`, y)],
  unique: (at: Operands) => [...notEmpty(at), node('Unique', `${at.y}.some`, at.y, { axis: at.axis })],
  firstAbove: (at: Operands) => [
    ...above(at),
    node('Cast', `${at.y}.above`, `${at.y}.ones`, { to: TensorProto_DataType.INT64 }),
    node('ReduceSum', `${at.y}.ones`, `${at.y}.until`),
    node('Slice', `${at.x} [0] ${at.y}.until [${at.axis}]`, at.y),
  ],
} satisfies Record<string, (at: Operands) => NodeInit[]>;

const MOVING = {
  relu: ({ x, y }: Operands) => [node('Relu', x, y)],
  softmax: ({ x, y, axis }: Operands) => [node('Softmax', x, y, { axis })],
  turn: ({ x, y }: Operands) => [node('Transpose', x, y)],
  double: ({ x, y, axis }: Operands) => [node('Concat', `${x} ${x}`, y, { axis })],
  first: ({ x, y, axis }: Operands) => [node('Slice', `${x} [0] [1] [${axis}]`, y)],
  rest: ({ x, y, axis }: Operands) => [node('Slice', `${x} [1] [9] [${axis}]`, y)],
  sum: ({ x, y, axis }: Operands) => [node('ReduceSum', `${x} [${axis}]`, y)],
  column: ({ x, y }: Operands) => [node('Reshape', `${x} [-1,1]`, y)],
  keepFirst: ({ x, y }: Operands) => [node('Reshape', `${x} [0,-1]`, y)],
  flat: ({ x, y }: Operands) => [node('Flatten', x, y, { axis: 0 })],
  square: ({ x, y }: Operands) => [node('Transpose', x, `${y}.t`), node('MatMul', `${x} ${y}.t`, y)],
  outer: ({ x, z, y, axis, other }: Operands) => [
    node('ReduceSum', `${x} [${axis}]`, `${y}.a`, { keepdims: 0 }),
    node('ReduceSum', `${z} [${other}]`, `${y}.b`, { keepdims: 0 }),
    node('Einsum', `${y}.a ${y}.b`, y, { equation: 'i,j->ij' }),
  ],
  broadcast: ({ x, z, y }: Operands) => [
    node('ReduceSum', `${x} [0]`, `${y}.a`),
    node('ReduceSum', `${z} [1]`, `${y}.b`),
    node('Transpose', `${y}.a`, `${y}.c`),
    node('Transpose', `${y}.b`, `${y}.d`),
    node('Add', `${y}.c ${y}.d`, y),
  ],
  deeper: ({ x, y, axis }: Operands) => [
    node('Unsqueeze', `${x} [${axis}]`, `${y}.three`),
    node('Transpose', `${y}.three`, `${y}.turned`, { perm: [2, 0, 1] }),
    node('Squeeze', `${y}.turned [${axis === 0 ? 1 : 2}]`, y),
  ],
  each: ({ x, z, y, axis, other }: Operands) => [
    ...notEmpty({ x, z, y, axis, other }),
    node('Scan', `${y}.some`, y, {
      num_scan_inputs: 1,
      scan_input_axes: [axis],
      scan_output_axes: [1 - axis],
      body: body(
        [node('Relu', `${y}.i`, `${y}.o`)],
        [floatsOfRank(`${y}.o`, 1)],
        [floatsOfRank(`${y}.i`, 1)],
      ),
    }),
  ],
} satisfies Record<string, (at: Operands) => NodeInit[]>;

/** What is told the size of something else. */
const SIZING = {
  filled: (at: Operands) => [
    ...sizeOf(at),
    node('Concat', at.axis === 0 ? `${at.y}.size [2]` : `[2] ${at.y}.size`, `${at.y}.to`, { axis: 0 }),
    node('ConstantOfShape', `${at.y}.to`, at.y),
  ],
  expanded: (at: Operands) => [
    ...sizeOf(at),
    node('Slice', `${at.x} [0] [1] [${at.axis}]`, `${at.y}.one`),
    node('Concat', at.axis === 0 ? `${at.y}.size [1]` : `[1] ${at.y}.size`, `${at.y}.to`, { axis: 0 }),
    node('Expand', `${at.y}.one ${at.y}.to`, at.y),
  ],
  repeated: (at: Operands) => [
    ...sizeOf(at),
    node('Concat', at.axis === 0 ? `${at.y}.size [1]` : `[1] ${at.y}.size`, `${at.y}.to`, { axis: 0 }),
    node('Tile', `${at.x} ${at.y}.to`, at.y),
  ],
  padded: (at: Operands) => [
    ...sizeOf(at),
    node('Concat', at.axis === 0 ? `${at.y}.size [0] [0] [0]` : `[0] [0] [0] ${at.y}.size`, `${at.y}.to`, {
      axis: 0,
    }),
    node('Pad', `${at.x} ${at.y}.to`, at.y),
  ],
  upTo: (at: Operands) => [...sizeOf(at), node('Slice', `${at.x} [0] ${at.y}.size [${at.axis}]`, at.y)],
  numbers: (at: Operands) => [
    ...sizeOf(at),
    node('Squeeze', `${at.y}.size`, `${at.y}.n`),
    node('Range', `i0 ${at.y}.n i1`, `${at.y}.list`),
    node('Unsqueeze', `${at.y}.list [${at.axis}]`, `${at.y}.ints`),
    toFloat(`${at.y}.ints`, at.y),
  ],
  turns: (at: Operands) => [
    ...sizeOf(at),
    node('Squeeze', `${at.y}.size`, `${at.y}.n`),
    node('ReduceSum', `${at.x} [${at.axis}]`, `${at.y}.row`, { keepdims: 0 }),
    node('Loop', `${at.y}.n -`, at.y, {
      body: body(
        [node('Identity', `${at.y}.in`, `${at.y}.out`), node('Relu', `${at.y}.row`, `${at.y}.each`)],
        [tensorInfo(`${at.y}.out`, 'bool', []), floatsOfRank(`${at.y}.each`, 1)],
        [tensorInfo(`${at.y}.turn`, 'int64', []), tensorInfo(`${at.y}.in`, 'bool', [])],
      ),
    }),
  ],
  back: (at: Operands) => [
    ...sizeOf({ ...at, z: at.x, other: 0 }),
    node('Reshape', `${at.x} [-1]`, `${at.y}.flat`),
    node('Concat', at.axis === 0 ? `${at.y}.size [-1]` : `[-1] ${at.y}.size`, `${at.y}.to`, { axis: 0 }),
    node('Reshape', `${at.y}.flat ${at.y}.to`, at.y),
  ],
} satisfies Record<string, (at: Operands) => NodeInit[]>;

const STEPS = { ...COUNTING, ...MOVING, ...SIZING };

function stepsOf(kinds: readonly (keyof typeof STEPS)[]): fc.Arbitrary<Step[]> {
  const side = fc.constantFrom(0 as const, 1 as const);
  const step = fc.record({
    kind: fc.constantFrom(...kinds),
    a: fc.nat(9),
    b: fc.nat(9),
    axis: side,
    other: side,
  });
  return fc.array(step, { minLength: 1, maxLength: 8 });
}

/** Each step starts at one of the latest matrices, and looks at any for a size. */
function graphOf(steps: readonly Step[]): TinyGraph {
  const made = ['x'];
  const nodes = steps.flatMap(({ kind, a, b, axis, other }, index) => {
    const at = { x: made.at(-1 - (a % Math.min(2, made.length)))!, z: made[b % made.length]!, axis, other };
    const y = `t${index}`;
    made.push(y);
    return STEPS[kind]({ ...at, y });
  });
  return {
    inputs: [tensorInfo('x', 'float32', ['batch', 3])],
    outputs: made.slice(1).map((name) => floatsOfRank(name, 2)),
    nodes,
    weights: [
      ...[0, 1, 2, 9, -1].map((value) => intWeights(`[${value}]`, [value])),
      intWeights('[-1,1]', [-1, 1]),
      intWeights('[1,1,0,0]', [1, 1, 0, 0]),
      intWeights('[0,-1]', [0, -1]),
      ...[0, 1].map((value) => ({ ...intWeights(`i${value}`, [value]), dims: [] })),
      floatWeights('zero', [], [0]),
    ],
  };
}

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

/** Values of which some are nought and some are alike. */
const INPUTS: readonly Tensor[] = [
  [1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 1, 0, 1, 1, 0, -1, 2, 2],
  [0, -1, 2, 0, -1, 2, 1, 1, 1],
  [-1, -1, -1, 3, 0, 0, 0, 0, 1],
  [2, 2, 2, 2, 2, 2, 2, 2, 2],
].map((values) => ({ dtype: 'float32', shape: [3, 3], data: Float32Array.from(values) }));

/** The results of each input, except those for which a tensor becomes too small for an operator. */
async function shapesOf(path: string): Promise<readonly NamedTensors[]> {
  const opened = await createSession(path, { threads: 1, spinning: false }).catch(() => undefined);
  if (opened === undefined) return [];
  const { runtime, session } = opened;
  const results: NamedTensors[] = [];
  try {
    for (const x of INPUTS) {
      const result = await runSession(runtime, session, 'm', { x }).catch(() => undefined);
      if (result !== undefined) results.push(result);
    }
  } finally {
    await session.release();
  }
  return results;
}

describe('axes that are said to be counted', () => {
  it('are all whose size depends on values', async () => {
    let varying = 0;
    await fc.assert(
      fc.asyncProperty(stepsOf(Object.keys(STEPS) as (keyof typeof STEPS)[]), async (steps) => {
        const path = await folder.write('model.onnx', graphOf(steps));
        const { isCounted } = graphEvidence(path);
        const results = await shapesOf(path);
        for (const output of Object.keys(results[0] ?? {})) {
          for (const axis of [0, 1]) {
            const sizes = new Set(results.map((result) => result[output]!.shape[axis]));
            if (sizes.size < 2) continue;
            varying += 1;
            expect(isCounted(output, axis), `${output} is ${[...sizes]} along ${axis}`).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(varying).toBeGreaterThan(100);
  });

  it('are none where nothing counts values', async () => {
    const kinds = Object.keys({ ...MOVING, ...SIZING }) as (keyof typeof STEPS)[];
    await fc.assert(
      fc.asyncProperty(stepsOf(kinds), async (steps) => {
        const path = await folder.write('plain.onnx', graphOf(steps));
        const { isCounted } = graphEvidence(path);
        for (const index of steps.keys()) {
          expect([0, 1].map((axis) => isCounted(`t${index}`, axis))).toEqual([false, false]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
