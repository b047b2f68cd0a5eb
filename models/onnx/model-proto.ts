import { fromBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { skeletonOf } from './skeleton.ts';

/**
 * A model file as its format has it. Large weights are not read: their names, types and shapes are all there is of them.
 *
 * @throws WireError for what is no whole protobuf message
 */
export function readModelProto(path: string): ModelProto {
  return fromBinary(ModelProtoSchema, skeletonOf(path, 'weights'));
}
