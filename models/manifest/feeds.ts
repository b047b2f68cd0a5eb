import { InflessError } from '../base/errors.ts';
import type { ModelManifest, TensorSpec } from './manifest.ts';
import { elementCount, type NamedTensors, type Tensor } from './tensor.ts';

/**
 * Checks that a request is what the model takes, and counts its rows. A model without batch axis takes one.
 *
 * @throws InflessError INVALID_INPUT that names the input and both shapes.
 */
export function rowsOf(manifest: ModelManifest, feeds: NamedTensors): number {
  for (const name of Object.keys(feeds)) {
    if (!manifest.inputs.some((spec) => spec.name === name)) throw unknownInput(manifest, name);
  }
  let counted: { readonly name: string; readonly rows: number } | undefined;
  for (const spec of manifest.inputs) {
    const tensor = Object.hasOwn(feeds, spec.name) ? feeds[spec.name] : undefined;
    if (tensor === undefined) throw missingInput(manifest, spec.name);
    checkTensor(spec, tensor);
    if (spec.batchAxis === null) continue;
    const rows = tensor.shape[spec.batchAxis]!;
    if (rows === 0) throw invalid(`Input "${spec.name}" has no rows`);
    if (counted !== undefined && counted.rows !== rows) {
      throw invalid(`Input "${counted.name}" has ${counted.rows} rows, but input "${spec.name}" has ${rows}`);
    }
    counted = { name: spec.name, rows };
  }
  return counted?.rows ?? 1;
}

/** A shape as people write it: `[N,224,224,3]`, with N for the batch and ? for any other free size. */
export function formatShape(spec: TensorSpec): string {
  return `[${spec.shape.map((size, axis) => (axis === spec.batchAxis ? 'N' : (size ?? '?'))).join(',')}]`;
}

export function unknownInput(manifest: Pick<ModelManifest, 'name' | 'inputs'>, name: string): InflessError {
  return invalid(`Model ${manifest.name} has no input "${name}"`, inputsAre(manifest));
}

export function missingInput(manifest: Pick<ModelManifest, 'name' | 'inputs'>, name: string): InflessError {
  return invalid(`Input "${name}" of model ${manifest.name} is missing`, inputsAre(manifest));
}

function inputsAre(manifest: Pick<ModelManifest, 'inputs'>): string {
  return `Its inputs are: ${manifest.inputs.map((spec) => `${spec.name} ${spec.dtype}${formatShape(spec)}`).join(', ')}.`;
}

function checkTensor(spec: TensorSpec, tensor: Tensor): void {
  if (tensor.dtype !== spec.dtype) {
    throw invalid(`Input "${spec.name}" has element type ${tensor.dtype}, the model takes ${spec.dtype}`);
  }
  const fits =
    tensor.shape.length === spec.shape.length &&
    tensor.shape.every((size, axis) => spec.shape[axis] === null || spec.shape[axis] === size);
  if (!fits) {
    throw invalid(
      `Input "${spec.name}" has shape [${tensor.shape.join(',')}], the model takes ${formatShape(spec)}`,
    );
  }
  if (tensor.data.length !== elementCount(tensor.shape)) {
    throw invalid(
      `Input "${spec.name}" of shape [${tensor.shape.join(',')}] has ${tensor.data.length} elements`,
    );
  }
}

function invalid(what: string, remedy?: string): InflessError {
  return new InflessError('INVALID_INPUT', what, remedy === undefined ? {} : { remedy });
}
