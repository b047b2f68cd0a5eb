import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InflessError } from '../../../../models/base/errors.ts';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';
import type { DeclaredTensor } from '../../../../models/engines/batch-axes/axis-guesses.ts';
import { type ExampleSearch, withExamples } from '../../../../models/engines/made-up/examples.ts';
import { onnxEngine } from '../../../../models/engines/onnx/engine.ts';
import type { Sample } from '../../../../models/manifest/example.ts';
import { generateInputs } from '../../../../models/manifest/inputs.ts';
import type { NamedTensors } from '../../../../models/manifest/tensor.ts';
import {
  floatWeights,
  intWeights,
  ModelFolder,
  type TinyGraph,
  tensorInfo,
} from '../../../support/tiny-models.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

const IMAGE: DeclaredTensor = { name: 'image', dtype: 'float32', dims: ['batch', 3, 'h', 'w'] };
const IDS: DeclaredTensor = { name: 'ids', dtype: 'int64', dims: ['batch', 'length'] };

/** A model that takes only what a test says, and remembers what it was asked. */
function search(takes: (feeds: NamedTensors) => boolean, more: Partial<ExampleSearch> = {}) {
  const asked: NamedTensors[] = [];
  const run = async (feeds: NamedTensors): Promise<void> => {
    asked.push(feeds);
    if (!takes(feeds)) throw new InflessError('INVALID_INPUT', 'no');
  };
  return { asked, name: 'm', hints: new Map(), run, ...more } satisfies ExampleSearch & { asked: unknown };
}

const sampleOf = (tensors: NamedTensors): Sample => ({
  title: 'Sample s.json',
  digest: 'x',
  read: () => tensors,
});

describe('what requests are made up like', () => {
  it('is left to the generator of inputs where that runs', async () => {
    const all = search(() => true);
    expect(await withExamples([IMAGE, IDS], all)).toEqual([IMAGE, IDS]);
    expect(all.asked.map(({ image, ids }) => [image!.shape, ids!.shape])).toEqual([
      [
        [1, 3, 224, 224],
        [1, 128],
      ],
    ]);
  });

  it('is not tried where there is nothing to choose', async () => {
    const none = search(() => false);
    const fixed: DeclaredTensor = { name: 'x', dtype: 'float32', dims: ['batch', 3] };
    expect(await withExamples([fixed], none)).toEqual([fixed]);
    expect(none.asked).toEqual([]);
  });

  it('has the size of an image that the model runs with', async () => {
    const only = search(({ image }) => image!.shape[2] === 299);
    const [found] = await withExamples([IMAGE], only);
    expect(found!.example).toEqual({ shape: [1, 3, 299, 299], shapeFrom: 'tried' });
  });

  it('has the length and the numbers that the model runs with', async () => {
    const only = search(
      ({ ids }) => ids!.shape[1] === 77 && [...(ids!.data as BigInt64Array)].every((id) => id === 0n),
    );
    const [found] = await withExamples([IDS], only);
    expect(found!.example).toEqual({ shape: [1, 77], shapeFrom: 'tried', below: 1 });
  });

  it('adds up sizes whose names say so', async () => {
    const mask: DeclaredTensor = { name: 'mask', dtype: 'int64', dims: ['batch', 'past + length + 1'] };
    const only = search(({ ids, mask: m }) => ids!.shape[1] === 16 && m!.shape[1] === 33);
    const [, found] = await withExamples([IDS, mask], only);
    expect(found!.example?.shape).toEqual([1, 33]);
  });

  it('gives up after some seconds', async () => {
    const clock = new VirtualClock();
    let runs = 0;
    const slow = search(() => false, {
      clock: { ...clock, nowMs: () => runs * 4000, at: clock.at.bind(clock) },
    });
    const run = async (feeds: NamedTensors): Promise<void> => {
      runs += 1;
      await slow.run(feeds);
    };
    expect(await withExamples([IDS], { ...slow, run })).toEqual([IDS]);
    expect(runs).toBe(3);
  });

  it('is what the user says', async () => {
    const any = search(() => true, { like: { shapes: { image: [3, 640, 480] } } });
    const [found] = await withExamples([IMAGE], any);
    expect(found!.example).toEqual({ shape: [3, 640, 480], shapeFrom: 'given' });
    const wrong = search(() => true, { like: { shapes: { image: [1, 4, 640, 480] } } });
    await expect(withExamples([IMAGE], wrong)).rejects.toThrow(
      'Shape [1,4,640,480] does not fit input "image", which is [N,3,?,?]',
    );
    const unknown = search(() => true, { like: { shapes: { picture: [3, 2, 2] } } });
    await expect(withExamples([IMAGE], unknown)).rejects.toThrow('Model m has no input "picture"');
  });

  it('is a sample, of which large ones keep their range', async () => {
    const ids = { dtype: 'int64', shape: [3], data: BigInt64Array.of(5n, 6n, 7n) } as const;
    const image = {
      dtype: 'float32',
      shape: [1, 3, 40, 50],
      data: new Float32Array(6000).map((_, at) => (at % 3) - 1),
    } as const;
    const any = search(() => true, { like: { sample: sampleOf({ ids, image }) } });
    const declared = await withExamples([IMAGE, IDS], any);
    expect(any.asked[0]!.ids).toEqual({ ...ids, shape: [1, 3] });
    expect(declared[0]!.example).toEqual({ shape: [1, 3, 40, 50], shapeFrom: 'sample', range: [-1, 1] });
    const inputs = declared.map(({ name, dtype, dims, example }) => ({
      name,
      dtype,
      shape: dims.map((dim) => (typeof dim === 'number' ? dim : null)),
      batchAxis: 0,
      example,
    }));
    const made = generateInputs({ name: 'm', inputs }, { batch: 2, seed: 9 });
    expect([...(made.ids!.data as BigInt64Array)]).toEqual([5n, 6n, 7n, 5n, 6n, 7n]);
    expect(made.image!.shape).toEqual([2, 3, 40, 50]);
  });

  it('is refused where the model does not take it', async () => {
    const none = search(() => false, {
      like: { sample: sampleOf({ ids: { dtype: 'int64', shape: [1], data: BigInt64Array.of(1n) } }) },
    });
    await expect(withExamples([IDS], none)).rejects.toThrow('Sample s.json does not run (no)');
  });
});

/** Looks ids up in a table of 54 rows and sums what it finds. */
const VOCABULARY: TinyGraph = {
  inputs: [tensorInfo('ids', 'int64', ['batch', 'length'])],
  outputs: [tensorInfo('y', 'float32', ['batch', 1])],
  nodes: [
    { opType: 'Gather', input: ['table', 'ids'], output: ['rows'] },
    { opType: 'ReduceSum', input: ['rows', 'axis'], output: ['y'] },
  ],
  weights: [
    floatWeights(
      'table',
      [54, 1],
      Array.from({ length: 54 }, (_, at) => at),
    ),
    intWeights('axis', [1]),
  ],
};

describe('inspecting a model', () => {
  it('makes up ids below the rows of the table that they are looked up in', async () => {
    const manifest = await onnxEngine.inspect(await folder.write('vocabulary.onnx', VOCABULARY), 'm');
    expect(manifest.inputs).toEqual([
      { name: 'ids', dtype: 'int64', shape: [null, null], batchAxis: 0, example: { below: 54 } },
    ]);
    const ids = generateInputs(manifest, { batch: 8 }).ids!.data as BigInt64Array;
    expect(Math.max(...[...ids].map(Number))).toBeLessThan(54);
  });

  it('tries sizes where made-up ones do not run', async () => {
    // 28 × 28 images alone: what is flattened meets weights of 784 rows
    const graph: TinyGraph = {
      inputs: [tensorInfo('x', 'float32', ['batch', 1, 'h', 'w'])],
      outputs: [tensorInfo('y', 'float32', ['batch', 1])],
      nodes: [
        { opType: 'Flatten', input: ['x'], output: ['flat'] },
        { opType: 'MatMul', input: ['flat', 'w'], output: ['y'] },
      ],
      weights: [floatWeights('w', [784, 1], new Array(784).fill(1))],
    };
    const manifest = await onnxEngine.inspect(await folder.write('fixed.onnx', graph), 'm');
    expect(manifest.inputs[0]).toMatchObject({
      batchAxis: 0,
      example: { shape: [1, 1, 28, 28], shapeFrom: 'tried' },
    });
  });

  it('refuses a sample of several rows', async () => {
    const like = { sample: sampleOf({ ids: { dtype: 'int64', shape: [2, 3], data: new BigInt64Array(6) } }) };
    const path = await folder.write('rows.onnx', VOCABULARY);
    await expect(onnxEngine.inspect(path, 'm', undefined, like)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'Sample s.json has 2 rows of input "ids"',
    });
  });
});
