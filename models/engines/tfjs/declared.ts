import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import { InflessError } from '../../base/errors.ts';
import type { DeclaredTensor } from '../batch-axes/axis-guesses.ts';
import type { GraphEvidence } from '../batch-axes/evidence.ts';
import type { InputHints } from '../made-up/hints.ts';
import { dtypeOf } from './tensors.ts';

/** Free sizes have no names in TF.js; a leading one is the batch, as TensorFlow has it. */
export function declaredDims(shape: readonly (number | null)[]): (number | string)[] {
  return shape.map((size, axis) => {
    if (size !== null && size >= 0) return size;
    return axis === 0 ? 'batch' : '';
  });
}

/**
 * An input as the model declares it.
 *
 * @throws InflessError MODEL_UNSUPPORTED for what no request can carry into TensorFlow.js
 */
export function declaredInput(
  path: string,
  name: string,
  dtype: DataType | undefined,
  shape: readonly (number | null)[] | undefined,
): DeclaredTensor {
  if (dtype === 'string') {
    throw unsupported(path, name, 'takes texts', 'Export the part of the model that comes after the texts.');
  }
  if (shape === undefined) {
    throw unsupported(path, name, 'declares no shape', 'Export it with the shapes of its inputs.');
  }
  const known = dtypeOf(dtype ?? 'float32');
  if (known === undefined)
    throw unsupported(path, name, 'takes complex numbers', 'Export it with real inputs.');
  return { name, dtype: known, dims: declaredDims(shape) };
}

function unsupported(path: string, input: string, why: string, remedy: string): InflessError {
  return new InflessError('MODEL_UNSUPPORTED', `Input "${input}" of ${path} ${why}`, { remedy });
}

/** A model that takes nothing, or answers nothing, cannot be asked anything. */
export function requireSome(path: string, tensors: readonly unknown[]): void {
  if (tensors.length > 0) return;
  throw new InflessError('MODEL_UNSUPPORTED', `${path} has no inputs or no outputs`, {
    remedy: 'Serve a model that takes something and answers something.',
  });
}

/** A loaded model of either kind: what it declares, and how it runs. */
export interface TfjsModel {
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
  /** Inputs by name; outputs in the order of `outputs`. */
  predict(feeds: Readonly<Record<string, Tensor>>): Promise<readonly Tensor[]>;
  /** What the model tells about its outputs without running. */
  evidence(): Promise<GraphEvidence>;
  /** What it tells about what its inputs may hold. */
  hints(): Promise<InputHints>;
  dispose(): void;
}
