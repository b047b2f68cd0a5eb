import type { DataType, Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { InflessError } from '../../base/errors.ts';
import type { DType, NamedTensors, Tensor, TensorData } from '../../manifest/tensor.ts';
import type { Core } from './runtime/tfjs-runtime.ts';

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

/**
 * The memory is ours from now on: some backends copy nothing and hand an input through, whose memory is the
 * caller's.
 *
 * @throws InflessError MODEL_UNSUPPORTED for complex numbers
 */
export function fromRuntime(name: string, tensor: TfTensor, feeds: NamedTensors): Tensor {
  const dtype = dtypeOf(tensor.dtype);
  if (dtype === undefined) {
    throw new InflessError('MODEL_UNSUPPORTED', `Output "${name}" has complex numbers`, {
      remedy: 'Export the model with real outputs.',
    });
  }
  const data = tensor.dataSync() as unknown as TensorData;
  return { dtype, shape: tensor.shape, data: isShared(data, feeds) ? data.slice() : data };
}

function isShared(data: TensorData, feeds: NamedTensors): boolean {
  return Object.values(feeds).some(
    (feed) => ArrayBuffer.isView(data) && ArrayBuffer.isView(feed.data) && feed.data.buffer === data.buffer,
  );
}
