import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineSession } from '../../../models/engines/engine.ts';
import { BatchExecutor, type BatchOutcome } from '../../../models/engines/executor.ts';
import { onnxEngine } from '../../../models/engines/onnx/engine.ts';
import { rowsOf } from '../../../models/manifest/feeds.ts';
import type { NamedTensors, Tensor } from '../../../models/manifest/tensor.ts';
import {
  BEST_BOXES,
  believedToBatch,
  COMPRESS,
  imageWithBoxes,
  NON_ZERO,
  TWICE_IF_LOUD,
  UNIQUE,
} from '../../support/counting-models.ts';
import { ModelFolder, type TinyGraph } from '../../support/tiny-models.ts';

let folder: ModelFolder;
const sessions: EngineSession[] = [];
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(async () => {
  for (const session of sessions) await session.close();
  await folder.remove();
});

/** A session that is believed to batch and writes down the rows of each run it is asked for. */
async function open(graph: TinyGraph): Promise<{ session: EngineSession; runs: number[] }> {
  const path = await folder.write(`model-${sessions.length}.onnx`, graph);
  const manifest = believedToBatch(await onnxEngine.inspect(path, 'tiny'));
  const real = await onnxEngine.open({ path, manifest }, { cpuMillicores: 1000, gpuPercent: 0 });
  sessions.push(real);
  const runs: number[] = [];
  const { threads, spinning } = real;
  const run = (feeds: NamedTensors): Promise<NamedTensors> => {
    runs.push(rowsOf(manifest, feeds));
    return real.run(feeds);
  };
  return { session: { manifest, threads, spinning, run, close: () => real.close() }, runs };
}

function floats(shape: number[], values: readonly number[]): Tensor {
  return { dtype: 'float32', shape, data: Float32Array.from(values) };
}

const x = (width: number, ...values: number[]): NamedTensors => ({
  x: floats([values.length / width, width], values),
});

function image(...wanted: number[]): NamedTensors {
  const { boxes, scores } = imageWithBoxes(...wanted);
  return { boxes: floats([1, 6, 4], boxes.flat()), scores: floats([1, 1, 6], scores.flat()) };
}

function answers(outcomes: readonly BatchOutcome[]): unknown[] {
  return outcomes.map((outcome) =>
    outcome.ok
      ? Object.values(outcome.outputs).map(({ shape, data }) => [shape, [...data].map(Number)])
      : outcome.error.code,
  );
}

/** What each request is answered with when it has the model to itself. */
async function alone(session: EngineSession, requests: readonly NamedTensors[]): Promise<unknown[]> {
  const outcomes: BatchOutcome[] = [];
  for (const feeds of requests) outcomes.push({ ok: true, outputs: await session.run(feeds) });
  return answers(outcomes);
}

describe('outputs that count something', () => {
  it.each<readonly [string, TinyGraph, readonly NamedTensors[]]>([
    ['boxes', BEST_BOXES, [image(0, 0.9), image(0.1), image(0, 0, 0.8), image(0.2, 0.3), image(0.7)]],
    ['places of what is not zero', NON_ZERO, [x(1, 1), x(1, 0), x(1, 3), x(1, 0), x(1, 5)]],
    ['rows that are kept', COMPRESS, [x(2, 1, 2), x(2, -3, 4), x(2, 5, 6), x(2, -7, 8)]],
    ['rows that are each there once', UNIQUE, [x(2, 1, 2), x(2, 3, 4), x(2, 1, 2), x(2, 5, 6)]],
    ['rows that are there twice', TWICE_IF_LOUD, [x(2, 1, 2), x(2, 3, 9), x(2, 4, 4)]],
  ])('are never cut up among clients: %s', async (_, graph, requests) => {
    const { session, runs } = await open(graph);
    const executor = new BatchExecutor(session, 8);
    const { outcomes, ranAlone } = await executor.run(requests);
    expect(runs).toEqual([requests.length, ...requests.map(() => 1)]);
    expect(answers(outcomes)).toEqual(await alone(session, requests));
    expect(ranAlone).toMatch(/^output "\w+" has shape \[\d+,\d\] for \d rows$/);
  });

  it('end all batching of their model', async () => {
    const { session, runs } = await open(COMPRESS);
    const executor = new BatchExecutor(session, 8);
    await executor.run([x(2, 1, 2), x(2, -3, 4)]);
    runs.length = 0;
    const harmless = [x(2, 1, 2), x(2, 3, 4)];
    const { outcomes, ranAlone } = await executor.run(harmless);
    expect(runs).toEqual([1, 1]);
    expect(answers(outcomes)).toEqual(await alone(session, harmless));
    expect(ranAlone).toBe('output "y" has shape [1,2] for 2 rows');
  });

  it('show in a request that is alone, and then its time is told apart once', async () => {
    const { session, runs } = await open(COMPRESS);
    const executor = new BatchExecutor(session, 8);
    const none = await executor.run([x(2, -1, 2)]);
    expect(none.ranAlone).toBe('output "y" has shape [0,2] for 1 row');
    expect(answers(none.outcomes)).toEqual([[[[0, 2], []]]]);
    expect((await executor.run([x(2, -1, 2)])).ranAlone).toBeUndefined();
    expect((await executor.run([x(2, 1, 2), x(2, 3, 4)])).ranAlone).toBe(none.ranAlone);
    expect(runs).toEqual([1, 1, 1, 1]);
  });

  it('make a request whole again that is larger than a batch', async () => {
    const { session, runs } = await open(UNIQUE);
    const executor = new BatchExecutor(session, 2);
    const request = x(2, 1, 1, 2, 2, 3, 3, 3, 3, 1, 1);
    const first = await executor.run([request]);
    expect(runs).toEqual([2, 2, 5]); // two parts, of which the second has a row twice, then all of it
    expect(answers(first.outcomes)).toEqual(await alone(session, [request]));
    expect(first.ranAlone).toBe('output "y" has shape [1,2] for 2 rows');
    expect((await executor.run([request])).ranAlone).toBeUndefined();
    expect(runs.at(-1)).toBe(5);
  });

  it('take back what other batches of the same requests seemed to answer', async () => {
    const { session, runs } = await open(TWICE_IF_LOUD);
    const executor = new BatchExecutor(session, 2);
    const requests = [x(2, 1, 1), x(2, 2, 2), x(2, 3, 3), x(2, 4, 9)];
    const { outcomes } = await executor.run(requests);
    expect(runs).toEqual([2, 2, 1, 1, 1, 1]);
    expect(answers(outcomes)).toEqual(await alone(session, requests));
  });

  it('leave the failure of a request to itself', async () => {
    const { session } = await open(COMPRESS);
    const broken = { x: floats([1, 3], [1, 2, 3]) };
    const { outcomes } = await new BatchExecutor(session, 8).run([x(2, -1, 2), broken, x(2, 3, 4)]);
    expect(answers(outcomes)).toEqual([
      [[[0, 2], []]],
      'INVALID_INPUT',
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ]);
  });

  it('are answered as alone after the first, however they are batched', async () => {
    const { session } = await open(COMPRESS);
    const value = fc.integer({ min: -3, max: 3 });
    const request = fc
      .array(fc.tuple(value, value), { minLength: 1, maxLength: 5 })
      .map((rows) => x(2, ...rows.flat()));
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { maxLength: 6 }),
        fc.integer({ min: 1, max: 8 }),
        async (requests, maxBatch) => {
          const executor = new BatchExecutor(session, maxBatch);
          await executor.run([x(2, -1, 0)]);
          const { outcomes } = await executor.run(requests);
          expect(answers(outcomes)).toEqual(await alone(session, requests));
        },
      ),
      { numRuns: 60 },
    );
  });
});
