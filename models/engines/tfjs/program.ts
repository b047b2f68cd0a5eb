import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { NamedTensors } from '../../manifest/tensor.ts';
import type { DeclaredTensor } from '../batch-axes/axis-guesses.ts';
import type { GraphEvidence } from '../batch-axes/evidence.ts';
import type { EngineResources } from '../engine.ts';
import type { InputHints } from '../made-up/hints.ts';
import type { TfjsModel } from './declared.ts';
import { loadError, runError } from './errors.ts';
import { graphModel } from './graph-model.ts';
import { readableLayers } from './layers/keras3.ts';
import { layersModel } from './layers/layers-model.ts';
import { kindOf, type ModelJson, readModelJson } from './model-json.ts';
import { loadRuntime } from './runtime/runtime.ts';
import type { TfjsRuntime } from './runtime/tfjs-runtime.ts';
import { fromRuntime, toRuntime } from './tensors.ts';
import { readWeights, weightsHandler } from './weights.ts';

/** A model that is ready to run, in our own tensor types. */
export class Program {
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
  readonly threads: number;
  readonly #runtime: TfjsRuntime;
  readonly #model: TfjsModel;

  private constructor(runtime: TfjsRuntime, model: TfjsModel) {
    this.inputs = model.inputs;
    this.outputs = model.outputs;
    this.threads = runtime.threads;
    this.#runtime = runtime;
    this.#model = model;
  }

  /** @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED, PLATFORM_FAILED */
  static async load(path: string, resources: EngineResources): Promise<Program> {
    const json = await readModelJson(path);
    const runtime = await loadRuntime(resources);
    return new Program(runtime, await loadModel(path, json, runtime));
  }

  /**
   * One run. It blocks the calling thread although it returns a promise.
   *
   * @param name what to call the model in sentences
   */
  async run(name: string, feeds: NamedTensors): Promise<NamedTensors> {
    const { core } = this.#runtime;
    const engine = core.engine();
    engine.startScope(); // frees what a run leaves behind that breaks off halfway
    try {
      const inputs = this.inputs.map((input) => [input.name, toRuntime(core, feeds[input.name]!)]);
      const outputs = await this.#model.predict(Object.fromEntries(inputs) as Record<string, TfTensor>);
      return Object.fromEntries(
        this.outputs.map((output, index) => [output.name, fromRuntime(output.name, outputs[index]!, feeds)]),
      );
    } catch (error) {
      throw runError(name, error);
    } finally {
      engine.endScope();
    }
  }

  /** What the model tells about its outputs without running. */
  evidence(): Promise<GraphEvidence> {
    return this.#model.evidence();
  }

  /** What the model tells about what its inputs may hold. */
  hints(): Promise<InputHints> {
    return this.#model.hints();
  }

  dispose(): void {
    this.#model.dispose();
  }
}

async function loadModel(path: string, json: ModelJson, runtime: TfjsRuntime): Promise<TfjsModel> {
  const weights = await readWeights(path, json);
  try {
    if (kindOf(json) === 'graph') {
      const handler = weightsHandler(json, weights);
      return describe(await runtime.loadGraphModel(handler), (model) => graphModel(path, model, json));
    }
    const handler = weightsHandler(readableLayers(path, json), weights);
    return describe(await runtime.loadLayersModel(handler), (model) => layersModel(path, model));
  } catch (error) {
    throw loadError(path, error);
  }
}

/** What cannot be used is not kept either. */
function describe<M extends { dispose(): unknown }>(model: M, read: (model: M) => TfjsModel): TfjsModel {
  try {
    return read(model);
  } catch (error) {
    model.dispose();
    throw error;
  }
}
