import { TensorProto_DataType } from 'onnx-buf';
import type { ModelManifest } from '../../models/manifest.ts';
import { body, floatsOfRank, node } from './onnx-nodes.ts';
import { floatWeights, intWeights, type TinyGraph, tensorInfo } from './tiny-models.ts';

const scalar = (name: string, value: number) => floatWeights(name, [], [value]);

/**
 * The best box of each image, where its score is above one half: as many boxes as images, as long as each has one.
 * Generated scores are hardly ever all below.
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

/** The places of what is not zero: generated values never are. */
export const NON_ZERO: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 1])],
  outputs: [tensorInfo('places', 'int64', ['batch', 2])],
  nodes: [node('NonZero', 'x', 'by_axis'), node('Transpose', 'by_axis', 'places')],
};

/** The rows whose first value is positive: that of generated ones is. */
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

/** The rows, each once: generated ones differ. */
export const UNIQUE: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 2])],
  outputs: [tensorInfo('y', 'float32', ['batch', 2])],
  nodes: [node('Unique', 'x', 'y', { axis: 0, sorted: 0 })],
};

/**
 * Rows are given back as they are, and all of them twice if some value is above five: which no generated one is, and
 * nothing in the graph says of its own that it counts.
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

/** A manifest that takes the first axis of everything for the batch, as one written by an older version may. */
export function believedToBatch(manifest: ModelManifest): ModelManifest {
  const batched = (specs: ModelManifest['inputs']) =>
    specs.map((spec) => ({ ...spec, shape: spec.shape.with(0, null), batchAxis: 0 }));
  return { ...manifest, inputs: batched(manifest.inputs), outputs: batched(manifest.outputs) };
}

/** What a client of {@link BEST_BOXES} sends: an image whose boxes have these scores, and are told apart by them. */
export function imageWithBoxes(...scores: number[]): { boxes: number[][]; scores: number[][] } {
  const all = Array.from({ length: 6 }, (_, box) => scores[box] ?? 0);
  return { boxes: all.map((score, box) => [2 * box, 0, 2 * box + 1, score]), scores: [all] };
}
