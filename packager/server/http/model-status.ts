import type { ModelManifest, TensorSpec } from '../../../models/manifest/manifest.ts';
import type { DType } from '../../../models/manifest/tensor.ts';
import { MODEL_VERSION } from '../model-path.ts';

/** TF Serving's names of a model's states, as far as ours has them. */
export type ServableState = 'LOADING' | 'AVAILABLE' | 'UNLOADING';

/** The answer to `GET /v1/models/NAME`. */
export function modelStatus(state: ServableState) {
  return {
    model_version_status: [
      { version: MODEL_VERSION, state, status: { error_code: 'OK', error_message: '' } },
    ],
  };
}

/** The answer to `GET /v1/models/NAME/metadata`: TF Serving's signature, with -1 where a size is free. */
export function modelMetadata(name: string, manifest: ModelManifest) {
  const signature = {
    inputs: tensorInfos(manifest.inputs),
    outputs: tensorInfos(manifest.outputs),
    method_name: 'tensorflow/serving/predict',
  };
  return {
    model_spec: { name, signature_name: '', version: MODEL_VERSION },
    metadata: { signature_def: { signature_def: { serving_default: signature } } },
  };
}

const TF_DTYPE: Readonly<Record<DType, string>> = {
  float32: 'DT_FLOAT',
  float64: 'DT_DOUBLE',
  float16: 'DT_HALF',
  int8: 'DT_INT8',
  uint8: 'DT_UINT8',
  int16: 'DT_INT16',
  uint16: 'DT_UINT16',
  int32: 'DT_INT32',
  uint32: 'DT_UINT32',
  int64: 'DT_INT64',
  uint64: 'DT_UINT64',
  bool: 'DT_BOOL',
  string: 'DT_STRING',
};

function tensorInfos(specs: readonly TensorSpec[]) {
  return Object.fromEntries(
    specs.map(({ name, dtype, shape }) => [
      name,
      {
        dtype: TF_DTYPE[dtype],
        tensor_shape: {
          dim: shape.map((size) => ({ size: String(size ?? -1), name: '' })),
          unknown_rank: false,
        },
        name,
      },
    ]),
  );
}
