import type { InferenceSession } from 'onnxruntime-node';
import { InflessError } from '../../base/errors.ts';
import { type RequestLike, requireOneRow } from '../../manifest/example.ts';
import type { ModelManifest, TensorSpec } from '../../manifest/manifest.ts';
import { DTYPES, type NamedTensors } from '../../manifest/tensor.ts';
import type { DeclaredTensor } from '../batch-axes/axis-guesses.ts';
import { findBatchAxes } from '../batch-axes/search.ts';
import { contentOf, digestModel, sizeOfModel } from '../content.ts';
import { type EngineResources, threadRule } from '../engine.ts';
import { withExamples } from '../made-up/examples.ts';
import { providerFor } from '../provider.ts';
import { ONNX_STORAGE } from './external-weights.ts';
import { openForProbing } from './probe.ts';
import { createSession, runSession } from './session.ts';
import { outputName, type TensorOutputs, whatInstead, withTensorOutputs } from './tensor-outputs.ts';

/**
 * Reads what an ONNX file is: its declared tensors, and by trial which axes carry the batch.
 *
 * @param on what must run the trial; default: the CPU, with as little memory as it takes
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED.
 */
export async function inspectOnnx(
  path: string,
  name: string,
  on?: EngineResources,
  like?: RequestLike,
): Promise<ModelManifest> {
  const content = await contentOf(ONNX_STORAGE, path);
  const digest = await digestModel(content);
  const { graphEvidence } = await import('./counts/graph-facts.ts'); // only needed for inspection
  const { onnxGraphDigest } = await import('./graph/graph-digest.ts');
  const { onnxInputHints } = await import('./graph/input-hints.ts');
  const { runtime, session } =
    on === undefined || on.gpuPercent === 0
      ? await openForProbing(path, content.entry.sizeBytes)
      : await createSession(path, threadRule(on.cpuMillicores), on);
  try {
    const identity = {
      name,
      format: ONNX_STORAGE.format,
      digest,
      graphDigest: onnxGraphDigest(path),
      sizeBytes: sizeOfModel(content),
    };
    const declared = declaredTensors(path, session.inputMetadata);
    if (declared.some(({ dims }) => dims.length === 0)) await refuseUnranked(path);
    const outputs = declaredTensors(path, session.outputMetadata);
    const run = (feeds: NamedTensors): Promise<NamedTensors> =>
      runSession(runtime, session, name, feeds, on && providerFor(on));
    const inputs = await withExamples(declared, { name, hints: onnxInputHints(path), like, run });
    const evidence = graphEvidence(
      path,
      inputs.map((input) => input.name),
    );
    const manifest = await findBatchAxes(identity, { inputs, outputs }, run, evidence, like?.batchAxes);
    if (like?.sample !== undefined) requireOneRow(like.sample.title, manifest.inputs);
    return { ...manifest, outputs: manifest.outputs.map(named(withTensorOutputs(path)?.classes)) };
  } finally {
    await session.release();
  }
}

/** Reads what the runtime says of a model's inputs or outputs. */
function declaredTensors(
  path: string,
  metadata: readonly InferenceSession.ValueMetadata[],
): DeclaredTensor[] {
  if (metadata.length === 0) {
    throw new InflessError('MODEL_UNSUPPORTED', `${path} has no inputs or no outputs`, {
      remedy: 'Serve a model that takes something and answers something.',
    });
  }
  return metadata.map((value) => {
    if (!value.isTensor) throw unsupported(path, value.name, ...whatInstead(path, value.name));
    const dtype = DTYPES.find((known) => known === value.type);
    if (dtype === undefined) throw unsupported(path, value.name, `has element type ${value.type}`);
    return { name: outputName(value.name), dtype, dims: value.shape };
  });
}

/**
 * The runtime tells of an input whose shape is not declared as of a scalar. Nothing could be said of its
 * requests.
 *
 * @throws InflessError MODEL_UNSUPPORTED
 */
async function refuseUnranked(path: string): Promise<void> {
  const { readModelProto } = await import('./skeleton.ts');
  for (const { name, type } of readModelProto(path).graph?.input ?? []) {
    if (type?.value.case !== 'tensorType' || type.value.value.shape !== undefined) continue;
    throw new InflessError(
      'MODEL_UNSUPPORTED',
      `Input "${name}" of ${path} does not declare how many axes it has`,
      {
        remedy: 'Export the model with the shapes of its inputs; sizes may be free.',
      },
    );
  }
}

/** Outputs of scores with the classes that they are of. */
function named(classes: TensorOutputs['classes'] = new Map()): (output: TensorSpec) => TensorSpec {
  return (output) => {
    const names = classes.get(output.name);
    return names === undefined ? output : { ...output, classes: [...names] };
  };
}

function unsupported(
  path: string,
  value: string,
  why: string,
  remedy = `Export the model with tensors of these types: ${DTYPES.join(', ')}.`,
): InflessError {
  return new InflessError('MODEL_UNSUPPORTED', `"${value}" of ${path} ${why}`, { remedy });
}
