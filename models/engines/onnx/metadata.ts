import type { InferenceSession } from 'onnxruntime-node';
import { InflessError } from '../../base/errors.ts';
import { DTYPES } from '../../manifest/tensor.ts';
import type { DeclaredTensor } from '../batch-axes/declared-tensor.ts';

/** Reads what the runtime says of a model's inputs or outputs. */
export function declaredTensors(
  path: string,
  metadata: readonly InferenceSession.ValueMetadata[],
): DeclaredTensor[] {
  if (metadata.length === 0) {
    throw new InflessError('MODEL_UNSUPPORTED', `${path} has no inputs or no outputs`, {
      remedy: 'Serve a model that takes something and answers something.',
    });
  }
  return metadata.map((value) => {
    if (!value.isTensor) {
      throw unsupported(path, value.name, 'is a sequence or map, not a tensor');
    }
    const dtype = DTYPES.find((known) => known === value.type);
    if (dtype === undefined) throw unsupported(path, value.name, `has element type ${value.type}`);
    return { name: value.name, dtype, dims: value.shape };
  });
}

function unsupported(path: string, tensor: string, why: string): InflessError {
  return new InflessError('MODEL_UNSUPPORTED', `Tensor "${tensor}" of ${path} ${why}`, {
    remedy: `Export the model with tensors of these types: ${DTYPES.join(', ')}.`,
  });
}
