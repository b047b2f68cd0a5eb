import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  ModelProtoSchema,
  TensorProto_DataType,
  ValueInfoProtoSchema,
} from 'onnx-buf';

/** The input of the {@link trialModel}: one row. */
export const TRIAL_INPUT: { readonly name: string; readonly shape: readonly number[] } = {
  name: 'x',
  shape: [1, 4, 8, 8],
};

/** A convolution and a matrix product: on CUDA they need cuDNN and cuBLAS, so that who runs it has both. */
export function trialModel(): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 17n }],
    graph: {
      name: 'trial',
      node: [
        {
          opType: 'Conv',
          input: [TRIAL_INPUT.name, 'kernel'],
          output: ['filtered'],
          attribute: [{ name: 'pads', type: AttributeProto_AttributeType.INTS, ints: [1n, 1n, 1n, 1n] }],
        },
        { opType: 'Flatten', input: ['filtered'], output: ['flat'] },
        { opType: 'MatMul', input: ['flat', 'matrix'], output: ['y'] },
      ],
      initializer: [zeros('kernel', [4, 4, 3, 3]), zeros('matrix', [256, 2])],
      input: [floats(TRIAL_INPUT.name)],
      output: [floats('y')],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

function zeros(name: string, shape: readonly number[]) {
  const count = shape.reduce((product, size) => product * size, 1);
  return {
    name,
    dims: shape.map(BigInt),
    dataType: TensorProto_DataType.FLOAT,
    rawData: new Uint8Array(count * Float32Array.BYTES_PER_ELEMENT),
  };
}

/** Of any shape: the operators tell theirs. */
function floats(name: string) {
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: TensorProto_DataType.FLOAT } } },
  });
}
