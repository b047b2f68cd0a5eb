import type { DataType, Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { InflessError } from '../base/errors.ts';
import type { DType, Tensor, TensorData } from '../tensor.ts';
import type { Core } from './runtime.ts';

/** The element types of TensorFlow.js that a request or an answer can have. */
const DTYPE_OF = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
  string: 'string',
} as const satisfies Partial<Record<DataType, DType>>;

/** Our name for an element type, undefined for complex numbers. */
export function dtypeOf(dtype: DataType): DType | undefined {
  return dtype === 'complex64' ? undefined : DTYPE_OF[dtype];
}

/** The runtime keeps the data where its backend wants it, which need not be a copy. */
export function toRuntime(core: Core, { data, shape, dtype }: Tensor): TfTensor {
  return core.tensor(data as Float32Array, [...shape], dtype as DataType);
}

/** @throws InflessError MODEL_UNSUPPORTED for complex numbers */
export function fromRuntime(name: string, tensor: TfTensor): Tensor {
  const dtype = dtypeOf(tensor.dtype);
  if (dtype === undefined) {
    throw new InflessError('MODEL_UNSUPPORTED', `Output "${name}" has complex numbers`, {
      remedy: 'Export the model with real outputs.',
    });
  }
  return { dtype, shape: tensor.shape, data: tensor.dataSync() as unknown as TensorData };
}
