import { AttributeProto_AttributeType as AttributeType, TensorProto_DataType } from 'onnx-buf';
import type { ModelManifest } from '../../models/manifest.ts';
import { floatWeights, intWeights, type TinyGraph, tensorInfo } from './tiny-models.ts';

const intAttribute = (name: string, value: number) => ({
  name,
  type: AttributeType.INT,
  i: BigInt(value),
});

const scalar = (name: string, value: number) => floatWeights(name, [], [value]);

/**
 * The best box of each image, where its score is above one half: as many boxes as images, as long as each has one.
 * Generated scores are hardly ever all below.
 */
export const BEST_BOXES: TinyGraph = {
  inputs: [tensorInfo('boxes', 'float32', ['batch', 6, 4]), tensorInfo('scores', 'float32', ['batch', 1, 6])],
  outputs: [tensorInfo('found', 'float32', ['batch', 4])],
  nodes: [
    {
      opType: 'NonMaxSuppression',
      input: ['boxes', 'scores', 'most', 'overlap', 'least'],
      output: ['selected'],
    },
    {
      opType: 'Gather',
      input: ['selected', 'image_and_box'],
      output: ['places'],
      attribute: [intAttribute('axis', 1)],
    },
    { opType: 'GatherND', input: ['boxes', 'places'], output: ['found'] },
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
  nodes: [
    { opType: 'NonZero', input: ['x'], output: ['by_axis'] },
    { opType: 'Transpose', input: ['by_axis'], output: ['places'] },
  ],
};

/** The rows whose first value is positive: that of generated ones is. */
export const COMPRESS: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 2])],
  outputs: [tensorInfo('y', 'float32', ['batch', 2])],
  nodes: [
    { opType: 'Gather', input: ['x', 'first'], output: ['column'], attribute: [intAttribute('axis', 1)] },
    { opType: 'Greater', input: ['column', 'zero'], output: ['keep'] },
    {
      opType: 'Compress',
      input: ['x', 'keep'],
      output: ['y'],
      attribute: [intAttribute('axis', 0)],
    },
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
  nodes: [
    {
      opType: 'Unique',
      input: ['x'],
      output: ['y'],
      attribute: [intAttribute('axis', 0), intAttribute('sorted', 0)],
    },
  ],
};

/**
 * Rows are given back as they are, and all of them twice if some value is above five: which no generated one is, and
 * nothing in the graph says of its own that it counts.
 */
export const TWICE_IF_LOUD: TinyGraph = {
  inputs: [tensorInfo('x', 'float32', ['batch', 2])],
  outputs: [tensorInfo('y', 'float32', ['batch', 2])],
  nodes: [
    { opType: 'ReduceMax', input: ['x'], output: ['loudest'], attribute: [intAttribute('keepdims', 0)] },
    { opType: 'Greater', input: ['loudest', 'five'], output: ['is_loud'] },
    {
      opType: 'If',
      input: ['is_loud'],
      output: ['y'],
      attribute: [
        branch('then_branch', [
          {
            opType: 'Concat',
            input: ['x', 'x'],
            output: ['twice'],
            attribute: [intAttribute('axis', 0)],
          },
        ]),
        branch('else_branch', [{ opType: 'Identity', input: ['x'], output: ['once'] }]),
      ],
    },
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

/** A graph without inputs of its own, whose last node gives what it gives. */
function branch(name: string, nodes: TinyGraph['nodes']) {
  const output = nodes.at(-1)!.output![0]!;
  return {
    name,
    type: AttributeType.GRAPH,
    g: { name, node: [...nodes], output: [tensorInfo(output, 'float32', ['', 2])] },
  };
}
