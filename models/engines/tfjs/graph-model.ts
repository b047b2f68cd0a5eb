import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { messageOf } from '../../base/errors.ts';
import { declaredDims, declaredInput, requireSome, type TfjsModel } from './declared.ts';
import type { ModelJson } from './model-json.ts';
import type { GraphModel } from './runtime/tfjs-runtime.ts';
import { dtypeOf } from './tensors.ts';

/** What a converted SavedModel says of its tensors: protobuf as JSON, where 64-bit numbers are texts. */
const tensorInfoSchema = z.looseObject({
  name: z.string().optional(),
  tensorShape: z
    .looseObject({ dim: z.array(z.looseObject({ size: z.coerce.number() })).optional() })
    .optional(),
  resourceId: z.unknown().optional(),
});
const signatureSchema = z
  .looseObject({
    inputs: z.record(z.string(), tensorInfoSchema).default({}),
    outputs: z.record(z.string(), tensorInfoSchema).default({}),
  })
  .catch({ inputs: {}, outputs: {} });
type TensorInfo = z.infer<typeof tensorInfoSchema>;

/** TensorFlow.js finds out by trying which graphs cannot run in one go (loops, branches, NMS). */
const NEEDS_ASYNC = /executeAsync/;

/** A graph of TensorFlow operators, converted from a SavedModel or a frozen graph. */
export function graphModel(path: string, model: GraphModel, { modelTopology }: ModelJson): TfjsModel {
  const signature = signatureSchema.parse(model.modelSignature ?? {});
  // Captured variables are inputs of the graph that it feeds itself.
  const isFed = (name: string): boolean => signature.inputs[name]?.resourceId === undefined;
  const inputs = model.inputNodes.flatMap((name, index) => {
    const { dtype, shape } = model.inputs[index]!;
    return isFed(name) ? [declaredInput(path, name, dtype, shape ?? shapeOf(signature.inputs[name]))] : [];
  });
  const outputs = model.outputNodes.map((name, index) => {
    const { dtype, shape } = model.outputs[index]!;
    return {
      name,
      dtype: dtypeOf(dtype ?? 'float32') ?? 'float32',
      dims: declaredDims(shape ?? shapeOf(signature.outputs[name]) ?? []),
    };
  });
  requireSome(path, inputs);
  requireSome(path, outputs);

  const names = outputs.map(({ name }) => name);
  let isAsync = false;
  return {
    inputs,
    outputs,
    predict: async (feeds) => {
      if (!isAsync) {
        try {
          return listOf(model.execute({ ...feeds }, names));
        } catch (error) {
          if (!NEEDS_ASYNC.test(messageOf(error))) throw error;
          isAsync = true;
        }
      }
      return listOf(await model.executeAsync({ ...feeds }, names));
    },
    evidence: async () => {
      const { graphEvidence } = await import('./counts/evidence.ts'); // only needed for inspection
      const tensors = names.map((name) => [name, signature.outputs[name]?.name ?? name] as const);
      const fed = inputs.map(({ name }) => signature.inputs[name]?.name ?? name);
      return graphEvidence(modelTopology, model.weights, new Map(tensors), fed);
    },
    hints: async () => {
      const { graphInputHints } = await import('./graph/input-hints.ts');
      const tensors = inputs.map(({ name }) => [name, signature.inputs[name]?.name ?? name] as const);
      return graphInputHints(modelTopology, new Map(tensors), (weight) => model.weights[weight]?.[0]?.shape);
    },
    dispose: () => model.dispose(),
  };
}

/** Undefined where the rank is not known either. */
function shapeOf(info: TensorInfo | undefined): readonly number[] | undefined {
  return info?.tensorShape?.dim?.map(({ size }) => size);
}

function listOf(tensors: TfTensor | TfTensor[]): readonly TfTensor[] {
  return Array.isArray(tensors) ? tensors : [tensors];
}
