import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, ModelProtoSchema } from 'onnx-buf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../models/base/random.ts';
import { elementCount } from '../../../../models/manifest/tensor.ts';
import { buildZooModel, ZOO_MODELS } from '../../../../models/zoo/index.ts';
import { anchorsOfLevel } from '../../../../models/zoo/models/ssd-anchors.ts';
import { ZOO_NAMES } from '../../../../models/zoo/names.ts';

/**
 * What the published networks have: parameters (trained ones and the moments of normalization), and the
 * operators that do the work. A digest that differs means that caches hold another model under the same name:
 * raise the model's version when it changes.
 */
const EXPECTED = {
  mobilenet: {
    file: 'mobilenet-1.onnx',
    digest: '371b7742eae9ecd88f68782d01e487a19645208a410abcb9a9fa5f1a87fd83aa',
    parameters: 4_253_864, // as Keras counts
    operators: { Conv: 27, BatchNormalization: 27, Clip: 27, Gemm: 1 },
    outputs: { predictions: [1000] },
  },
  'resnet-50': {
    file: 'resnet-50-1.onnx',
    digest: 'a29b3d6c354f090ccc1111ee04b426ce32df0a46fa119df1bd4eb6ebe43534b0',
    parameters: 25_557_032 + 53_120, // as torchvision counts, and its buffers
    operators: { Conv: 53, BatchNormalization: 53, Relu: 49, Add: 16, Gemm: 1 },
    outputs: { predictions: [1000] },
  },
  ssd: {
    file: 'ssd-1.onnx',
    digest: '5a69a6da41794c18b264416633c4c1b9240805673cb0c89df429a6c99dd19b83',
    // The backbone as Keras counts it without its classifier, four more levels, the heads of six: the
    // 6.8 M of table 13 of the MobileNet paper.
    parameters: 3_228_864 + 2_226_944 + 1_389_375,
    operators: { Conv: 27 + 8 + 12, BatchNormalization: 35 },
    outputs: { raw_detection_boxes: [1917, 4], raw_detection_scores: [1917, 91] },
  },
  'textcnn-69': {
    file: 'textcnn-69-1.onnx',
    digest: 'e9149a42d92440a4528aaf71d0a72c9ef1ce3efcc7b06037ebe6a5132fdf777f',
    parameters: 20_000 * 128 + (3 + 4 + 5) * 128 * 128 + 3 * 128 + 3 * 128 * 69 + 69,
    operators: { Gather: 1, Conv: 3, GlobalMaxPool: 3, Gemm: 1 },
    outputs: { predictions: [69] },
  },
  'lstm-maxclass-2365': {
    file: 'lstm-maxclass-2365-1.onnx',
    digest: '9b775ae6bfc40e57426928554a71b6d4db44e08326eccd0fca4686c8aff8dcdc',
    // An LSTM has four gates, each with weights for input and state and, in ONNX, a bias for either.
    parameters: 20_000 * 256 + 4 * 512 * (256 + 512 + 2) + 4 * 512 * (512 + 512 + 2) + 513 * 2365,
    operators: { Gather: 1, LSTM: 2, Gemm: 1 },
    outputs: { predictions: [2365] },
  },
  dssm: {
    file: 'dssm-1.onnx',
    digest: '33992c8b67abb790bd1a004d5570478d5bde8065e9a379b57828206c5bf19157',
    parameters: (1 + 30_621 + 1) * 300 + 301 * 300 + 301 * 128,
    operators: { Gather: 2, Gemm: 4, ReduceL2: 2 },
    outputs: { similarity: [1] },
  },
  mnist: {
    file: 'mnist-1.onnx',
    digest: 'e9c2784f9d34dd2f49b73b6d6d6455cb09d7f5a555eceecbab6dacb2747c593c',
    parameters: 61_706, // LeNet-5
    operators: { Conv: 2, AveragePool: 2, Gemm: 3 },
    outputs: { predictions: [10] },
  },
} as const;

const SINGLE_THREAD = { intraOpNumThreads: 1, interOpNumThreads: 1 } as const;
const BATCH = 3;

let cacheDir: string;
beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'infless-zoo-'));
});
afterAll(() => rm(cacheDir, { recursive: true, force: true }));

it('has every network of the paper that this test knows', () => {
  expect(ZOO_MODELS.map((model) => model.name)).toEqual(Object.keys(EXPECTED));
  expect(ZOO_NAMES).toEqual(Object.keys(EXPECTED));
});

describe.each(Object.entries(EXPECTED))('%s', (name, expected) => {
  let bytes: Buffer;
  let graph: GraphProto;
  let session: InferenceSession;

  beforeAll(async () => {
    const path = await buildZooModel(name, cacheDir);
    expect(path).toBe(join(cacheDir, 'models', expected.file));
    bytes = await readFile(path);
    graph = fromBinary(ModelProtoSchema, bytes).graph!;
    session = await InferenceSession.create(path, SINGLE_THREAD);
  });
  afterAll(() => session.release());

  it('is the same file on every machine, of the size the zoo states', () => {
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected.digest);
    expect(bytes.length).toBe(ZOO_MODELS.find((model) => model.name === name)!.sizeBytes);
  });

  it('has the parameters and the operators of the published network', () => {
    const parameters = graph.initializer.map(({ dims }) => elementCount(dims.map(Number)));
    expect(parameters.reduce((sum, count) => sum + count)).toBe(expected.parameters);
    for (const [operator, count] of Object.entries(expected.operators)) {
      expect(graph.node.filter((node) => node.opType === operator).length, operator).toBe(count);
    }
  });

  it('gives every row the answer it gets alone', async () => {
    const feeds = randomFeeds(session, BATCH);
    const together = await session.run(feeds);
    expect(shapesOf(together)).toEqual(
      Object.fromEntries(Object.entries(expected.outputs).map(([output, row]) => [output, [BATCH, ...row]])),
    );
    for (let row = 0; row < BATCH; row++) {
      const alone = await session.run(mapValues(feeds, (tensor) => rowOf(tensor, row)));
      for (const output of session.outputNames) {
        expect(greatestDifference(alone[output]!, rowOf(together[output]!, row)), output).toBeLessThan(1e-4);
      }
    }
  });

  it('answers with numbers that depend on what was asked', async () => {
    const answers = await session.run(randomFeeds(session, BATCH));
    for (const [output, answer] of Object.entries(answers)) {
      const numbers = floatsOf(answer);
      expect(numbers.every(Number.isFinite), output).toBe(true);
      expect(new Set(numbers).size, output).toBeGreaterThan(BATCH * 0.5);
      const change = greatestDifference(rowOf(answer, 0), rowOf(answer, 1));
      expect(change / greatest(numbers), output).toBeGreaterThan(1e-3);
    }
  });

  if ('predictions' in expected.outputs) {
    it('predicts probabilities, no class certain', async () => {
      const { predictions } = await session.run(randomFeeds(session, BATCH));
      for (let row = 0; row < BATCH; row++) {
        const probabilities = floatsOf(rowOf(predictions!, row));
        expect(probabilities.reduce((sum, p) => sum + p)).toBeCloseTo(1, 4);
        expect(greatest(probabilities)).toBeLessThan(0.9);
      }
    });
  }

  if (name === 'ssd') {
    it('places its boxes about its anchors, and its scores between 0 and 1', async () => {
      const sides = [19, 10, 5, 3, 2, 1];
      const anchors = sides.flatMap((side, level) => anchorsOfLevel(level, sides.length, side));
      const { raw_detection_boxes: boxes, raw_detection_scores: scores } = await session.run(
        randomFeeds(session, 1),
      );
      const corners = floatsOf(boxes!);
      for (const [index, anchor] of anchors.entries()) {
        const [top, left, bottom, right] = corners.slice(4 * index) as [number, number, number, number];
        expect(Math.abs((top + bottom) / 2 - anchor.centerY)).toBeLessThan(anchor.height);
        expect(Math.abs((left + right) / 2 - anchor.centerX)).toBeLessThan(anchor.width);
        expect((bottom - top) / anchor.height).toBeCloseTo(1, -1);
        expect((right - left) / anchor.width).toBeCloseTo(1, -1);
      }
      expect(floatsOf(scores!).every((score) => score > 0 && score < 1)).toBe(true);
    });
  }
});

type Tensors = Readonly<Record<string, Tensor>>;

function randomFeeds(session: InferenceSession, batch: number): Tensors {
  const random = seededRandom(7);
  const feeds: Record<string, Tensor> = {};
  for (const input of session.inputMetadata) {
    if (!input.isTensor) throw new TypeError(`input ${input.name} is not a tensor`);
    const shape = input.shape.map((size) => (size === 'batch' ? batch : Number(size)));
    const length = elementCount(shape);
    const data =
      input.type === 'int64'
        ? BigInt64Array.from({ length }, () => BigInt(Math.floor(100 * random())))
        : Float32Array.from({ length }, random);
    feeds[input.name] = new Tensor(data, shape);
  }
  return feeds;
}

function mapValues(tensors: Tensors, change: (tensor: Tensor) => Tensor): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor)]));
}

function rowOf(tensor: Tensor, row: number): Tensor {
  const size = elementCount(tensor.dims.slice(1));
  const data = (tensor.data as Float32Array | BigInt64Array).slice(row * size, (row + 1) * size);
  return new Tensor(tensor.type as 'float32', data as Float32Array, [1, ...tensor.dims.slice(1)]);
}

function shapesOf(tensors: InferenceSession.OnnxValueMapType): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, (tensor as Tensor).dims]));
}

function floatsOf(tensor: Tensor): number[] {
  return Array.from(tensor.data as Float32Array);
}

function greatest(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
}

function greatestDifference(a: Tensor, b: Tensor): number {
  const others = floatsOf(b);
  return greatest(floatsOf(a).map((value, index) => value - others[index]!));
}
