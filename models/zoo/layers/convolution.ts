import type { Value } from '../graph.ts';
import { around, he } from '../initial-values.ts';
import { reshapeRows, sizeOf } from './shape.ts';

/**
 * `same` is TensorFlow's rule: the result has ⌈size / stride⌉ positions, and an odd pixel of padding goes to
 * the end. A number pads both sides by as much, as PyTorch does.
 */
export type Padding = 'same' | number;

export interface Window {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: Padding;
}

export interface Convolution extends Window {
  readonly filters: number;
  readonly groups?: number;
  /** False where batch normalization follows, which has its own. */
  readonly bias?: boolean;
}

/** Convolves [batch, channels, …space] over as many dimensions of space as there are. */
export function conv(x: Value, options: Convolution): Value {
  const { kernel, filters, groups = 1, bias = true } = options;
  const { graph } = x;
  const window = placeWindow(x, options);
  const channels = sizeOf(x, 1) / groups;
  const kernelShape = window.attributes.kernel_shape;
  const fanIn = channels * kernel ** kernelShape.length;
  const inputs = [x, graph.weight('conv_kernel', [filters, channels, ...kernelShape], he(fanIn))];
  if (bias) inputs.push(graph.weight('conv_bias', [filters], around(0, 0.1)));
  return graph.node('Conv', inputs, [x.shape[0]!, filters, ...window.positions], {
    group: groups,
    ...window.attributes,
  });
}

/** Convolves each channel with a kernel of its own. */
export function depthwise(x: Value, window: Window): Value {
  const channels = sizeOf(x, 1);
  return conv(x, { ...window, filters: channels, groups: channels, bias: false });
}

export interface Normalization {
  readonly epsilon: number;
  /** The centre of the learnt scale; below 1 it keeps a branch from drowning what it is added to. */
  readonly scale?: number;
}

/**
 * Batch normalization with the moments of training. Kept as an operator of its own, as exported networks have
 * it; the runtime folds it into the convolution before.
 */
export function batchNorm(x: Value, { epsilon, scale = 1 }: Normalization): Value {
  const { graph } = x;
  const shape = [sizeOf(x, 1)];
  const parameters = [
    graph.weight('norm_scale', shape, around(scale, 0.1 * scale)),
    graph.weight('norm_bias', shape, around(0, 0.1)),
    graph.weight('norm_mean', shape, around(0, 0.1)),
    graph.weight('norm_variance', shape, around(1, 0.1)),
  ];
  return graph.node('BatchNormalization', [x, ...parameters], x.shape, { epsilon: { float: epsilon } });
}

export function maxPool(x: Value, window: Window): Value {
  return pool('MaxPool', x, window);
}

export function averagePool(x: Value, window: Window): Value {
  return pool('AveragePool', x, window);
}

/** The mean of each channel: [batch, channels, …space] → [batch, channels]. */
export function globalAveragePool(x: Value): Value {
  return globalPool('GlobalAveragePool', x);
}

/** The greatest value of each channel: [batch, channels, …space] → [batch, channels]. */
export function globalMaxPool(x: Value): Value {
  return globalPool('GlobalMaxPool', x);
}

function pool(opType: string, x: Value, window: Window): Value {
  const { positions, attributes } = placeWindow(x, window);
  return x.graph.node(opType, [x], [...x.shape.slice(0, 2), ...positions], attributes);
}

function globalPool(opType: string, x: Value): Value {
  const [batch, channels, ...space] = x.shape;
  const pooled = x.graph.node(opType, [x], [batch!, channels!, ...space.map(() => 1)]);
  return reshapeRows(pooled, [sizeOf(x, 1)]);
}

interface PlacedWindow {
  readonly positions: readonly number[];
  readonly attributes: Readonly<Record<'kernel_shape' | 'strides' | 'pads', readonly number[]>>;
}

function placeWindow(x: Value, { kernel, stride = 1, padding = 'same' }: Window): PlacedWindow {
  const axes = x.shape.slice(2).map((_, index) => {
    const size = sizeOf(x, index + 2);
    const total = padding === 'same' ? samePadding(size, kernel, stride) : 2 * padding;
    const before = Math.floor(total / 2);
    return { positions: Math.floor((size + total - kernel) / stride) + 1, before, after: total - before };
  });
  return {
    positions: axes.map((axis) => axis.positions),
    attributes: {
      kernel_shape: axes.map(() => kernel),
      strides: axes.map(() => stride),
      pads: [...axes.map((axis) => axis.before), ...axes.map((axis) => axis.after)],
    },
  };
}

function samePadding(size: number, kernel: number, stride: number): number {
  return Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
}
