import { fromBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { skeletonOf } from './skeleton.ts';

/**
 * Decodes a model file without the data of large weights.
 *
 * @throws WireError for a file that is not a complete protobuf message
 */
export function readModelProto(path: string): ModelProto {
  return fromBinary(ModelProtoSchema, skeletonOf(path, 'weights'));
}
