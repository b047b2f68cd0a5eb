import { InflessError } from '../../base/errors.ts';
import { type RequestLike, requireOneRow } from '../../manifest/example.ts';
import type { ModelManifest } from '../../manifest/manifest.ts';
import type { NamedTensors } from '../../manifest/tensor.ts';
import { findBatchAxes } from '../batch-axes/search.ts';
import { contentOf, digestModel, sizeOfModel } from '../content.ts';
import type { EngineResources } from '../engine.ts';
import { withExamples } from '../made-up/examples.ts';
import { tfjsGraphDigest } from './graph/graph-digest.ts';
import { TFJS_STORAGE } from './model-json.ts';
import { Program } from './program.ts';

/** Looking at a model needs no more. */
const ONE_CORE = { cpuMillicores: 1000, gpuPercent: 0 };

/**
 * Reads what a TF.js model is: its declared tensors, and by trial which axes carry the batch.
 *
 * @param on what opens it next in this process, since TensorFlow keeps the threads that it is loaded with
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED, PLATFORM_FAILED
 */
export async function inspectTfjs(
  path: string,
  name: string,
  on: EngineResources = ONE_CORE,
  like?: RequestLike,
): Promise<ModelManifest> {
  const program = await Program.load(path, on);
  try {
    const trial = new Trial(program, name);
    const content = await contentOf(TFJS_STORAGE, path);
    const identity = {
      name,
      format: TFJS_STORAGE.format,
      digest: await digestModel(content),
      graphDigest: await tfjsGraphDigest(path),
      sizeBytes: sizeOfModel(content),
    };
    const run = (feeds: NamedTensors): Promise<NamedTensors> => trial.run(feeds);
    const inputs = await withExamples(program.inputs, { name, hints: await program.hints(), like, run });
    const declared = { inputs, outputs: program.outputs };
    const evidence = await program.evidence();
    const manifest = await findBatchAxes(identity, declared, run, evidence, like?.batchAxes);
    if (like?.sample !== undefined) requireOneRow(like.sample.title, manifest.inputs);
    if (trial.refusal !== undefined) throw trial.refusal;
    return { ...manifest, outputs: trial.observedTypes(manifest.outputs) };
  } finally {
    program.dispose();
  }
}

/** Remembers what the runs of a search showed beside batch axes. */
class Trial {
  /** An operator is missing: the search takes any failure for that of its guess. */
  refusal: InflessError | undefined;
  readonly #program: Program;
  readonly #name: string;
  #results: NamedTensors = {};

  constructor(program: Program, name: string) {
    this.#program = program;
    this.#name = name;
  }

  async run(feeds: NamedTensors): Promise<NamedTensors> {
    try {
      this.#results = await this.#program.run(this.#name, feeds);
      return this.#results;
    } catch (error) {
      if (error instanceof InflessError && error.code === 'MODEL_UNSUPPORTED') this.refusal = error;
      throw error;
    }
  }

  /** Graphs seldom declare the element types of their outputs. */
  observedTypes(outputs: ModelManifest['outputs']): ModelManifest['outputs'] {
    return outputs.map((spec) => ({ ...spec, dtype: this.#results[spec.name]?.dtype ?? spec.dtype }));
  }
}
