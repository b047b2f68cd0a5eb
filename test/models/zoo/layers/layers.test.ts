import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { Graph, type Value } from '../../../../models/zoo/graph.ts';
import { around } from '../../../../models/zoo/initial-values.ts';
import { multiply } from '../../../../models/zoo/layers/arithmetic.ts';
import { averagePool, conv, depthwise, maxPool } from '../../../../models/zoo/layers/convolution.ts';
import { lookUp, lstm, lstmLast } from '../../../../models/zoo/layers/sequence.ts';
import {
  concat,
  reshapeRows,
  sizeOf,
  slice,
  squeeze,
  transpose,
} from '../../../../models/zoo/layers/shape.ts';
import { anchorsOfLevel, boxesOfLevel } from '../../../../models/zoo/models/ssd-anchors.ts';

const BATCH = 2;

/** Builds a network of one input, runs it on 0, 1, 2, … and checks that its shape is the one foreseen. */
async function run(rowShape: readonly number[], build: (x: Value) => Value): Promise<number[]> {
  const graph = new Graph('test');
  const result = build(graph.input('x', 'float32', rowShape));
  graph.output('y', result);
  const session = await InferenceSession.create(graph.encode(), { intraOpNumThreads: 1 });
  const shape = [BATCH, ...rowShape];
  const length = shape.reduce((product, size) => product * size);
  const { y } = await session.run({
    x: new Tensor(
      Float32Array.from({ length }, (_, i) => i),
      shape,
    ),
  });
  await session.release();
  expect(y!.dims).toEqual(result.shape.map((size) => (size === 'batch' ? BATCH : size)));
  return Array.from(y!.data as Float32Array);
}

it('foresees the shape of every window', async () => {
  const window = fc.record({
    size: fc.integer({ min: 5, max: 12 }),
    kernel: fc.integer({ min: 1, max: 5 }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.constantFrom('same' as const, 0, 1),
  });
  await fc.assert(
    fc.asyncProperty(window, async ({ size, ...options }) => {
      await run([2, size, size + 1], (x) => conv(x, { filters: 3, ...options }));
      await run([2, size], (x) => conv(x, { filters: 3, ...options }));
      await run([2, size, size], (x) => depthwise(x, options));
      fc.pre(options.padding !== 1 || options.kernel > 1); // a pool must see a pixel
      await run([2, size, size], (x) => maxPool(x, options));
      await run([2, size, size], (x) => averagePool(x, options));
    }),
    { numRuns: 25, seed: 1 },
  );
});

it('pads the end when padding is odd, as TensorFlow does', async () => {
  const sums = await run([1, 4], (x) => maxPool(x, { kernel: 3, stride: 2 }));
  expect(sums).toEqual([2, 3, 6, 7]); // windows 0–2 and 2–3 of each row
});

it('moves, cuts and joins axes', async () => {
  expect(await run([2, 2], (x) => transpose(x, [0, 2, 1]))).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
  expect(await run([3], (x) => slice(x, 1, 1, 3))).toEqual([1, 2, 4, 5]);
  expect(await run([2], (x) => concat([x, multiply(x, x)], 1))).toEqual([0, 1, 0, 1, 2, 3, 4, 9]);
  expect(await run([1, 2], (x) => squeeze(x, 1))).toEqual([0, 1, 2, 3]);
  expect(await run([4], (x) => reshapeRows(x, [2, 2]))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

it('gives the state of every step or the last one', async () => {
  const every = await run([3, 2], (x) => transpose(lstm(transpose(x, [1, 0, 2]), 4), [1, 0, 2]));
  const last = await run([3, 2], (x) => lstmLast(transpose(x, [1, 0, 2]), 4));
  expect(last).toEqual([...every.slice(8, 12), ...every.slice(20, 24)]);
});

it('looks up a row an id', async () => {
  const graph = new Graph('test');
  const table = graph.weight('table', [4, 2], around(0, 1));
  graph.output('all', lookUp(table, graph.input('ids', 'int64', [1])));
  const session = await InferenceSession.create(graph.encode());
  const rows = async (...ids: bigint[]): Promise<number[]> => {
    const { all } = await session.run({ ids: new Tensor(BigInt64Array.from(ids), [ids.length, 1]) });
    return Array.from(all!.data as Float32Array);
  };
  expect(await rows(3n, 0n)).toEqual([...(await rows(3n)), ...(await rows(0n))]);
  await session.release();
});

it('refuses a graph that cannot be, before the runtime has to', () => {
  const x = new Graph('test').input('x', 'float32', [2, 3]);
  expect(() => reshapeRows(x, [4])).toThrow('rows of x [2,3] cannot take the shape [4]');
  expect(() => sizeOf(x, 0)).toThrow('axis 0 of x [batch,2,3] has no fixed size');
});

it('lays out the anchors of MobileNet-SSD', () => {
  const anchors = [19, 10, 5, 3, 2, 1].flatMap((side, level) => anchorsOfLevel(level, 6, side));
  expect(anchors).toHaveLength(1917);
  expect(anchors[0]).toEqual({ centerY: 0.5 / 19, centerX: 0.5 / 19, height: 0.1, width: 0.1 });
  expect(anchors[3]).toEqual({ ...anchors[0], centerX: 1.5 / 19 });
  // The scales grow evenly from 0.2 to 0.95; the last box of a level lies between its scale and the next.
  const squares = [1, 2, 3, 4, 5].map((level) => boxesOfLevel(level, 6)[0]!.height);
  for (const [index, scale] of [0.35, 0.5, 0.65, 0.8, 0.95].entries())
    expect(squares[index]).toBeCloseTo(scale);
  expect(boxesOfLevel(5, 6).at(-1)!.width).toBeCloseTo(Math.sqrt(0.95));
  expect(boxesOfLevel(1, 6)[1]!.width / boxesOfLevel(1, 6)[1]!.height).toBeCloseTo(2);
});
