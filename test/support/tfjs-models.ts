import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { seededRandom } from '../../models/base/random.ts';
import { loadRuntime } from '../../models/engines/tfjs/runtime/runtime.ts';
import { elementCount } from '../../models/manifest/tensor.ts';

/** A weight by its values; the writer stores them as `dtype` says, quantised where it is told to. */
export interface WeightInit {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly values: readonly number[];
  /** Stored as bytes between the least and the largest value. */
  readonly quantised?: boolean;
}

export interface TfjsInit {
  readonly format: 'graph-model' | 'layers-model';
  readonly modelTopology: object;
  readonly signature?: object;
  readonly weights: readonly WeightInit[];
}

export interface WriteOptions {
  /** No shard is larger. */
  readonly shardBytes?: number;
  readonly shardFolder?: string;
}

/**
 * Writes a model as TF.js' converter does: `model.json` and shards beside it. Returns the path of the former.
 */
export async function writeTfjsModel(
  folder: string,
  { weights, ...json }: TfjsInit,
  { shardBytes = 4 << 20, shardFolder = '' }: WriteOptions = {},
): Promise<string> {
  const bytes = Buffer.concat(weights.map(storedBytes));
  const count = Math.max(1, Math.ceil(bytes.length / shardBytes));
  const paths = Array.from({ length: count }, (_, index) =>
    join(shardFolder, `group1-shard${index + 1}of${count}.bin`),
  );
  for (const [index, path] of paths.entries()) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes.subarray(index * shardBytes, (index + 1) * shardBytes));
  }
  const weightsManifest = [{ paths, weights: weights.map(weightSpec) }];
  const path = join(folder, 'model.json');
  await writeFile(path, JSON.stringify({ ...json, weightsManifest }));
  return path;
}

function weightSpec({ name, shape, dtype, values, quantised }: WeightInit): object {
  const quantization = quantised === true ? { quantization: { dtype: 'uint8', ...scaleOf(values) } } : {};
  return { name, shape, dtype, ...quantization };
}

function storedBytes({ dtype, values, quantised }: WeightInit): Buffer {
  if (quantised === true) {
    const { min, scale } = scaleOf(values);
    return Buffer.from(values.map((value) => Math.round((value - min) / scale)));
  }
  const data = dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values);
  return Buffer.from(data.buffer);
}

function scaleOf(values: readonly number[]): { min: number; scale: number } {
  const min = Math.min(...values);
  return { min, scale: (Math.max(...values) - min) / 255 };
}

/** Weights between -1 and 1. */
export function randomWeights(seed: number, name: string, shape: readonly number[]): WeightInit {
  const random = seededRandom(seed);
  const values = Array.from({ length: elementCount(shape) }, () => Math.fround(random() * 2 - 1));
  return { name, shape, dtype: 'float32', values };
}

/** A model of TF.js' own layers, with seeded weights in place of its initial ones. */
export async function layersInit(
  build: (tf: typeof import('@tensorflow/tfjs-layers')) => import('@tensorflow/tfjs-layers').LayersModel,
  seed = 1,
): Promise<TfjsInit> {
  await loadRuntime({ cpuMillicores: 1000, gpuPercent: 0 });
  const model = build(await import('@tensorflow/tfjs-layers'));
  let artifacts: io.ModelArtifacts | undefined;
  await model.save({
    save: async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  model.dispose();
  const weights = artifacts!.weightSpecs!.map(({ name, shape }, index) =>
    randomWeights(seed * 1000 + index, name, shape),
  );
  return { format: 'layers-model', modelTopology: artifacts!.modelTopology as object, weights };
}

/** Nodes of a graph in TensorFlow's own JSON, as the converter writes it. */
export function graphInit(
  nodes: readonly GraphNode[],
  weights: readonly WeightInit[] = [],
  signature?: object,
): TfjsInit {
  const constants = weights.map(({ name, dtype, shape }) => ({
    name,
    op: 'Const',
    attr: {
      dtype: { type: TYPE[dtype] },
      value: { tensor: { dtype: TYPE[dtype], tensorShape: dims(shape) } },
    },
  }));
  return {
    format: 'graph-model',
    modelTopology: { node: [...constants, ...nodes], library: {}, versions: { producer: 1 } },
    ...(signature === undefined ? {} : { signature }),
    weights,
  };
}

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: object;
}

const TYPE = { float32: 'DT_FLOAT', int32: 'DT_INT32', string: 'DT_STRING', bool: 'DT_BOOL' } as const;

export function placeholder(
  name: string,
  dtype: keyof typeof TYPE,
  shape: readonly number[] | undefined,
): GraphNode {
  const attr = {
    dtype: { type: TYPE[dtype] },
    ...(shape === undefined ? {} : { shape: { shape: dims(shape) } }),
  };
  return { name, op: 'Placeholder', attr };
}

/** What a SavedModel says of a tensor: its name in the graph, type and shape. */
export function signatureTensor(name: string, dtype: keyof typeof TYPE, shape: readonly number[]): object {
  return { name, dtype: TYPE[dtype], tensorShape: dims(shape) };
}

function dims(shape: readonly number[]): object {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

/** scores = image · W with three inputs and two outputs a row, as a SavedModel with a signature. */
export const LINEAR_GRAPH: TfjsInit = graphInit(
  [
    placeholder('x', 'float32', [-1, 3]),
    {
      name: 'y',
      op: 'MatMul',
      input: ['x', 'w'],
      attr: { transpose_a: { b: false }, transpose_b: { b: false } },
    },
  ],
  [{ name: 'w', shape: [3, 2], dtype: 'float32', values: [1, 10, 2, 20, 3, 30] }],
  {
    inputs: { image: signatureTensor('x:0', 'float32', [-1, 3]) },
    outputs: { scores: signatureTensor('y:0', 'float32', [-1, 2]) },
  },
);

/** A network and, by plain arithmetic, what it gives for the values of its rows. */
export interface KnownNet {
  readonly init: TfjsInit;
  expected(values: readonly number[]): number[];
}

/** 6 → 8 with ReLU → 3. */
export async function denseNet(seed = 1): Promise<KnownNet> {
  const init = await layersInit(
    ({ sequential, layers }) =>
      sequential({
        layers: [
          layers.dense({ units: 8, inputShape: [6], activation: 'relu' }),
          layers.dense({ units: 3, activation: 'linear' }),
        ],
      }),
    seed,
  );
  const [kernel1, bias1, kernel2, bias2] = init.weights.map(({ values }) => values);
  return {
    init,
    expected: (values) =>
      rowsOf(values, 6).flatMap((row) => {
        const hidden = dense(row, kernel1!, bias1!).map((value) => Math.max(0, value));
        return dense(hidden, kernel2!, bias2!);
      }),
  };
}

const IMAGE = { size: 5, channels: 2, filters: 3, window: 3 };

/** 5×5×2 → a 3×3 convolution to 3 channels with ReLU → their means → 2. */
export async function convNet(seed = 2): Promise<KnownNet> {
  const { size, channels, filters, window } = IMAGE;
  const init = await layersInit(
    ({ sequential, layers }) =>
      sequential({
        layers: [
          layers.conv2d({
            filters,
            kernelSize: window,
            inputShape: [size, size, channels],
            activation: 'relu',
          }),
          layers.globalAveragePooling2d({}),
          layers.dense({ units: 2 }),
        ],
      }),
    seed,
  );
  const [kernel, bias, denseKernel, denseBias] = init.weights.map(({ values }) => values);
  return {
    init,
    expected: (values) =>
      rowsOf(values, size * size * channels).flatMap((image) =>
        dense(channelMeans(image, kernel!, bias!), denseKernel!, denseBias!),
      ),
  };
}

function rowsOf(values: readonly number[], width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width),
  );
}

function dense(x: readonly number[], kernel: readonly number[], bias: readonly number[]): number[] {
  return bias.map((start, unit) =>
    x.reduce((sum, value, index) => sum + value * kernel[index * bias.length + unit]!, start),
  );
}

/** Valid padding, stride 1; images are height × width × channel, kernels height × width × in × out. */
function channelMeans(
  image: readonly number[],
  kernel: readonly number[],
  bias: readonly number[],
): number[] {
  const { size, channels, filters, window } = IMAGE;
  const side = size - window + 1;
  return bias.map((start, filter) => {
    let total = 0;
    for (let place = 0; place < side * side; place += 1) {
      const [top, left] = [Math.floor(place / side), place % side];
      let sum = start;
      for (let tap = 0; tap < window * window * channels; tap += 1) {
        const [down, right] = [Math.floor(tap / channels / window), Math.floor(tap / channels) % window];
        const pixel = (top + down) * size + left + right;
        sum += image[pixel * channels + (tap % channels)]! * kernel[tap * filters + filter]!;
      }
      total += Math.max(0, sum);
    }
    return total / side ** 2;
  });
}
