import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { NO_EVIDENCE } from '../../batch-axes/evidence.ts';
import { declaredDims, declaredInput, type TfjsModel } from '../declared.ts';
import type { LayersModel } from '../runtime/tfjs-runtime.ts';
import { dtypeOf } from '../tensors.ts';

/** A Keras-style model of layers. */
export function layersModel(path: string, model: LayersModel): TfjsModel {
  // A sequential model knows no names of its own before it first runs; its tensors know their layers.
  const inputNames = model.inputs.map(({ sourceLayer }) => sourceLayer.name);
  const outputNames = distinct(model.outputs.map(({ sourceLayer }) => sourceLayer.name));
  return {
    inputs: model.inputs.map(({ shape, dtype }, index) =>
      declaredInput(path, inputNames[index]!, dtype, shape),
    ),
    outputs: model.outputs.map(({ shape, dtype }, index) => ({
      name: outputNames[index]!,
      dtype: dtypeOf(dtype) ?? 'float32',
      dims: declaredDims(shape),
    })),
    // Not `predict`, which runs at most 32 rows at once.
    predict: async (feeds) => {
      const inputs = inputNames.map((name) => feeds[name]!);
      return [model.predictOnBatch(inputs.length === 1 ? inputs[0]! : inputs)].flat() as TfTensor[];
    },
    evidence: async () => NO_EVIDENCE, // no layer counts values
    hints: async () => (await import('../graph/input-hints.ts')).layerInputHints(model),
    dispose: () => void model.dispose(),
  };
}

/** Outputs are called after their layers, and one layer may give several. */
function distinct(names: readonly string[]): string[] {
  return names.map((name, index) => {
    const before = names.slice(0, index).filter((other) => other === name).length;
    return before === 0 ? name : `${name}_${before}`;
  });
}
