import { writeFile } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import { GraphProtoSchema, NodeProtoSchema } from 'onnx-buf';
import { encodeModel, valueInfoProto } from '../../../models/zoo/encode.ts';

/** A model exported for exactly one row, as many are. */
export async function writeFixedBatchModel(file: string): Promise<void> {
  const graph = create(GraphProtoSchema, {
    name: 'fixed-batch',
    node: [create(NodeProtoSchema, { name: 'relu', opType: 'Relu', input: ['x'], output: ['y'] })],
    input: [valueInfoProto('x', 'float32', [1, 8])],
    output: [valueInfoProto('y', 'float32', [1, 8])],
  });
  await writeFile(file, encodeModel(graph, []));
}
