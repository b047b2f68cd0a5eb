import type { ModelFile, ModelFormat, ModelManifest } from '../manifest/manifest.ts';
import type { NamedTensors } from '../manifest/tensor.ts';
import type { Threading } from '../onnx/threads.ts';

/** The resources one instance may use: its CPU quota and its share of one GPU's SMs. */
export interface EngineResources {
  readonly cpuMillicores: number;
  readonly gpuPercent: number;
  /** Instead of the thread rule, where measuring has shown a better one; engines without a choice go without. */
  readonly threading?: Threading | undefined;
}

/** A loaded model, ready to run. */
export interface EngineSession {
  readonly manifest: ModelManifest;
  /** Intra-op threads in use, after the thread rule. */
  readonly threads: number;
  /** Whether idle threads spin (fast answers, but they burn quota). */
  readonly spinning: boolean;
  /**
   * Runs the model once. Feeds carry the batch axis; so do the results.
   *
   * @throws InflessError INVALID_INPUT for feeds the model does not take, INFERENCE_FAILED when it breaks.
   */
  run(feeds: NamedTensors): Promise<NamedTensors>;
  close(): Promise<void>;
}

/** A runtime for one model format. The only place that knows the runtime's own types. */
export interface Engine {
  readonly format: ModelFormat;
  /** Runtime and version, as recorded in profile tables: `onnxruntime-node 1.30.0`. */
  readonly version: string;
  /**
   * Reads what a model file is.
   *
   * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED.
   */
  inspect(path: string, name: string): Promise<ModelManifest>;
  open(model: ModelFile, resources: EngineResources): Promise<EngineSession>;
}
