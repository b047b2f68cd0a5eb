import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InflessError } from '../../../models/base/errors.ts';
import type { EngineSession } from '../../../models/engines/engine.ts';
import { BatchExecutor, type BatchOutcome } from '../../../models/engines/executor.ts';
import { onnxEngine } from '../../../models/engines/onnx/engine.ts';
import { rowsOf } from '../../../models/manifest/feeds.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import { trusted } from '../../../models/manifest/manifest.ts';
import type { NamedTensors, Tensor } from '../../../models/manifest/tensor.ts';
import {
  FIXED_BATCH,
  floatWeights,
  identityGraph,
  LINEAR,
  ModelFolder,
  STATEFUL,
  type TinyGraph,
  tensorInfo,
} from '../../support/tiny-models.ts';

/** Row i of a table of four: fails for any other i, as an embedding does for an unknown token. */
const LOOKUP: TinyGraph = {
  inputs: [tensorInfo('ids', 'int64', ['N', 'length'])],
  outputs: [tensorInfo('y', 'float32', ['N', 'length', 1])],
  nodes: [{ opType: 'Gather', input: ['table', 'ids'], output: ['y'] }],
  weights: [floatWeights('table', [4, 1], [10, 11, 12, 13])],
};

let folder: ModelFolder;
const sessions: EngineSession[] = [];
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(async () => {
  for (const session of sessions) await session.close();
  await folder.remove();
});

/** A session that writes down the rows of each run it is asked for. */
async function open(graph: TinyGraph): Promise<{ session: EngineSession; runs: number[] }> {
  const path = await folder.write(`model-${sessions.length}.onnx`, graph);
  const manifest = trusted(await onnxEngine.inspect(path, 'tiny'));
  const real = await onnxEngine.open({ path, manifest }, { cpuMillicores: 1000, gpuPercent: 0 });
  sessions.push(real);
  const runs: number[] = [];
  const session: EngineSession = {
    manifest,
    threads: real.threads,
    spinning: real.spinning,
    run(feeds) {
      runs.push(rowsOf(manifest, feeds));
      return real.run(feeds);
    },
    close: () => real.close(),
  };
  return { session, runs };
}

function floats(shape: number[], ...values: number[]): Tensor {
  return { dtype: 'float32', shape, data: Float32Array.from(values) };
}

function ids(shape: number[], ...values: number[]): NamedTensors {
  return { ids: { dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) } };
}

function values(outcome: BatchOutcome | undefined): unknown {
  return outcome?.ok
    ? Object.values(outcome.outputs).map(({ shape, data }) => [shape, [...data]])
    : outcome?.error.code;
}

describe('the batch executor', () => {
  it('runs requests as one batch and gives each its rows', async () => {
    const { session, runs } = await open(LINEAR);
    const { outcomes } = await new BatchExecutor(session, 8).run([
      { x: floats([1, 3], 1, 0, 0) },
      { x: floats([2, 3], 0, 1, 0, 0, 0, 1) },
      { x: floats([1, 3], 1, 1, 1) },
    ]);
    expect(outcomes.map(values)).toEqual([
      [
        [
          [1, 2],
          [1, 10],
        ],
      ],
      [
        [
          [2, 2],
          [2, 20, 3, 30],
        ],
      ],
      [
        [
          [1, 2],
          [6, 60],
        ],
      ],
    ]);
    expect(runs).toEqual([4]);
  });

  it('gives views of the output, not copies', async () => {
    const { session } = await open(LINEAR);
    const { outcomes } = await new BatchExecutor(session, 2).run([
      { x: floats([1, 3], 1, 0, 0) },
      { x: floats([1, 3], 0, 1, 0) },
    ]);
    const buffers = outcomes.map((outcome) => outcome.ok && (outcome.outputs.y!.data as Float32Array).buffer);
    expect(buffers[0]).toBe(buffers[1]);
  });

  it('starts another batch for rows beyond the largest, and splits a request only when it must', async () => {
    const { session, runs } = await open(LINEAR);
    const rows = (count: number) => ({ x: floats([count, 3], ...new Array<number>(count * 3).fill(1)) });
    const { outcomes } = await new BatchExecutor(session, 4).run([rows(3), rows(2), rows(9)]);
    expect(outcomes.map((outcome) => outcome.ok && outcome.outputs.y!.shape)).toEqual([
      [3, 2],
      [2, 2],
      [9, 2],
    ]);
    expect(
      outcomes.every(
        (outcome) => outcome.ok && outcome.outputs.y!.data.every((value) => Number(value) % 6 === 0),
      ),
    ).toBe(true);
    expect(runs).toEqual([3, 2, 4, 4, 1]);
  });

  it('stacks and splits along the axis of each tensor', async () => {
    const { session, runs } = await open(STATEFUL);
    const request = (rows: number, seed: number) => generateInputs(session.manifest, { batch: rows, seed });
    const requests = [request(1, 1), request(2, 2), request(1, 3)];
    const { outcomes: together } = await new BatchExecutor(session, 4).run(requests);
    expect(runs).toEqual([4]);
    for (const [index, feeds] of requests.entries()) {
      expect(together[index]).toEqual({ ok: true, outputs: await session.run(feeds) });
    }
  });

  it('runs requests apart whose free dimensions differ', async () => {
    const { session, runs } = await open(LOOKUP);
    const { outcomes } = await new BatchExecutor(session, 8).run([
      ids([1, 2], 0, 1),
      ids([1, 3], 1, 2, 3),
      ids([1, 2], 2, 3),
    ]);
    expect(outcomes.map(values)).toEqual([
      [
        [
          [1, 2, 1],
          [10, 11],
        ],
      ],
      [
        [
          [1, 3, 1],
          [11, 12, 13],
        ],
      ],
      [
        [
          [1, 2, 1],
          [12, 13],
        ],
      ],
    ]);
    expect(runs).toEqual([2, 1]);
  });

  it('runs a model that cannot batch one request at a time', async () => {
    const { session, runs } = await open(FIXED_BATCH);
    const request = { x: floats([4, 3], ...new Array<number>(12).fill(1)) };
    const { outcomes } = await new BatchExecutor(session, 8).run([request, request]);
    expect(outcomes.map((outcome) => outcome.ok && outcome.outputs.y!.shape)).toEqual([
      [4, 2],
      [4, 2],
    ]);
    expect(runs).toEqual([1, 1]);
  });

  it('lets a request fail alone: one that is not valid, and one that breaks the run', async () => {
    const { session } = await open(LOOKUP);
    const { outcomes } = await new BatchExecutor(session, 8).run([
      ids([1, 1], 0),
      ids([1, 1], 99),
      { ids: floats([1, 1], 0) },
      ids([1, 1], 3),
    ]);
    expect(outcomes.map(values)).toEqual([
      [[[1, 1, 1], [10]]],
      'INVALID_INPUT',
      'INVALID_INPUT',
      [[[1, 1, 1], [13]]],
    ]);
  });

  it('keeps batches apart that are asked for at once', async () => {
    const { session } = await open(identityGraph('float32', ['N', 2]));
    const executor = new BatchExecutor(session, 4);
    const batch = (value: number) => [
      { x: floats([1, 2], value, value) },
      { x: floats([2, 2], value, value, value, value) },
    ];
    const all = await Promise.all([1, 2, 3].map((value) => executor.run(batch(value))));
    expect(
      all
        .flatMap(({ outcomes }) => outcomes)
        .map((outcome) => outcome.ok && [...new Set(outcome.outputs.y!.data as Float32Array)]),
    ).toEqual([[1], [1], [2], [2], [3], [3]]);
  });

  it('does nothing for no requests', async () => {
    const { session, runs } = await open(LINEAR);
    expect(await new BatchExecutor(session, 4).run([])).toEqual({ outcomes: [], ranAlone: undefined });
    expect(runs).toEqual([]);
  });

  it('answers as if each request had run alone, however they are batched', async () => {
    const { session } = await open(STATEFUL);
    const request = fc
      .record({ rows: fc.integer({ min: 1, max: 6 }), seed: fc.integer({ min: 0, max: 1000 }) })
      .map(({ rows, seed }) => generateInputs(session.manifest, { batch: rows, seed }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { maxLength: 6 }),
        fc.integer({ min: 1, max: 8 }),
        async (requests, maxBatch) => {
          const { outcomes } = await new BatchExecutor(session, maxBatch).run(requests);
          for (const [index, feeds] of requests.entries()) {
            expect(outcomes[index]).toEqual({ ok: true, outputs: await session.run(feeds) });
          }
        },
      ),
      { numRuns: 60, seed: 4 },
    );
  });
});

describe('counting the rows of a request', () => {
  const rows = async (graph: TinyGraph, feeds: NamedTensors) => {
    const { session } = await open(graph);
    return rowsOf(session.manifest, feeds);
  };
  const state = (n: number) => floats([3, n, 2], ...new Array<number>(6 * n).fill(0));

  it('counts along the batch axis, and one where there is none', async () => {
    expect(await rows(STATEFUL, { x: floats([2, 2], 1, 2, 3, 4), state: state(2) })).toBe(2);
    expect(await rows(FIXED_BATCH, { x: floats([4, 3], ...new Array<number>(12).fill(0)) })).toBe(1);
  });

  it.each<readonly [string, TinyGraph, NamedTensors, string]>([
    ['an unknown input', LINEAR, { z: floats([1, 3], 1, 2, 3) }, 'Model tiny has no input "z"'],
    ['a missing input', STATEFUL, { x: floats([1, 2], 1, 2) }, 'Input "state" of model tiny is missing'],
    [
      'an input named like a method',
      LINEAR,
      { toString: floats([1, 3], 1, 2, 3) },
      'Model tiny has no input "toString"',
    ],
    [
      'another element type',
      LINEAR,
      { x: { dtype: 'int64', shape: [1, 3], data: new BigInt64Array(3) } },
      'Input "x" has element type int64, the model takes float32',
    ],
    ['another rank', LINEAR, { x: floats([3], 1, 2, 3) }, 'Input "x" has shape [3], the model takes [N,3]'],
    ['another size', LINEAR, { x: floats([1, 2], 1, 2) }, 'Input "x" has shape [1,2], the model takes [N,3]'],
    [
      'another fixed batch',
      FIXED_BATCH,
      { x: floats([1, 3], 1, 2, 3) },
      'Input "x" has shape [1,3], the model takes [4,3]',
    ],
    ['no rows', LINEAR, { x: floats([0, 3]) }, 'Input "x" has no rows'],
    [
      'row counts that differ',
      STATEFUL,
      { x: floats([1, 2], 1, 2), state: state(2) },
      'Input "x" has 1 rows, but input "state" has 2',
    ],
    ['too few elements', LINEAR, { x: floats([1, 3], 1) }, 'Input "x" of shape [1,3] has 1 elements'],
  ])('refuses %s', async (_, graph, feeds, message) => {
    const error = await rows(graph, feeds).catch((caught: InflessError) => caught);
    expect(error).toMatchObject({ code: 'INVALID_INPUT', message });
  });
});
