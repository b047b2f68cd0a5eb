import { TensorProto_DataType } from 'onnx-buf';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import { body, floatsOfRank, node } from './onnx-nodes.ts';
import { floatWeights, intWeights, type TinyGraph, tensorInfo } from './tiny-models.ts';

const scalar = (name: string, value: number) => floatWeights(name, [], [value]);

/**
 * The best box of each image, if its score is above one half. There are as many boxes as images if each has
 * one, as generated images have.
 */
export const BEST_BOXES: TinyGraph = {
  inputs: [tensorInfo('boxes', 'float32', ['batch', 6, 4]), tensorInfo('scores', 'float32', ['batch', 1, 6])],
  outputs: [tensorInfo('found', 'float32', ['batch', 4])],
  nodes: [
    node('NonMaxSuppression', 'boxes scores most overlap least', 'selected'),
    node('Gather', 'selected image_and_box', 'places', { axis: 1 }),
    node('GatherND', 'boxes places', 'found'),
  ],
  weights: [
    intWeights('most', [1]),
    floatWeights('overlap', [1], [0.5]),
    floatWeights('least', [1], [0.5]),
    intWeights('image_and_box', [0, 2]),
  ],
};

/** The places of non-zero values, as all generated ones are. */
export const NON_ZERO: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 1])],
  outputs: [tensorInfo('places', 'int64', ['batch', 2])],
  nodes: [node('NonZero', 'x', 'by_axis'), node('Transpose', 'by_axis', 'places')],
};

/** The rows whose first value is positive, as that of generated rows is. */
export const COMPRESS: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 2])],
  outputs: [tensorInfo('y', 'float32', ['batch', 2])],
  nodes: [
    node('Gather', 'x first', 'column', { axis: 1 }),
    node('Greater', 'column zero', 'keep'),
    node('Compress', 'x keep', 'y', { axis: 0 }),
  ],
  weights: [
    { name: 'first', dims: [], dataType: TensorProto_DataType.INT64, int64Data: [0n] },
    scalar('zero', 0),
  ],
};

/** The distinct rows: generated ones are. */
export const UNIQUE: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 2])],
  outputs: [tensorInfo('y', 'float32', ['batch', 2])],
  nodes: [node('Unique', 'x', 'y', { axis: 0, sorted: 0 })],
};

/**
 * Returns the rows, or all of them twice if some value is above five, which no generated one is. The graph
 * does not show it: the size depends on the branch taken.
 */
export const TWICE_IF_LOUD: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 2])],
  outputs: [tensorInfo('y', 'float32', ['batch', 2])],
  nodes: [
    node('ReduceMax', 'x', 'loudest', { keepdims: 0 }),
    node('Greater', 'loudest five', 'is_loud'),
    node('If', 'is_loud', 'y', {
      then_branch: body([node('Concat', 'x x', 'twice', { axis: 0 })], [floatsOfRank('twice', 2)]),
      else_branch: body([node('Identity', 'x', 'once')], [floatsOfRank('once', 2)]),
    }),
  ],
  weights: [scalar('five', 5)],
};

/** A manifest with the batch on every first axis, written by somebody who was wrong. */
export function believedToBatch(manifest: ModelManifest): ModelManifest {
  const batched = (specs: ModelManifest['inputs']) =>
    specs.map((spec) => ({ ...spec, shape: spec.shape.with(0, null), batchAxis: 0 }));
  return {
    ...manifest,
    inputs: batched(manifest.inputs),
    outputs: batched(manifest.outputs),
    batching: { state: 'proven', reason: 'somebody has written so' },
  };
}

/** A request to {@link BEST_BOXES}: an image with distinct boxes of these scores. */
export function imageWithBoxes(...scores: number[]): { boxes: number[][]; scores: number[][] } {
  const all = Array.from({ length: 6 }, (_, box) => scores[box] ?? 0);
  return { boxes: all.map((score, box) => [2 * box, 0, 2 * box + 1, score]), scores: [all] };
}
