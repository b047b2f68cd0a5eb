import type { RequestLike } from '../manifest/example.ts';
import type { ModelFile, ModelFormat, ModelManifest } from '../manifest/manifest.ts';
import type { NamedTensors } from '../manifest/tensor.ts';
import type { EngineRuntime } from './image-runtime.ts';
import type { Provider, ProviderName, ProviderQuery } from './provider.ts';
import type { CpuNodes, TracedOperator } from './tracing.ts';

/** The resources one instance may use: its CPU quota and its share of one GPU's SMs. */
export interface EngineResources {
  readonly cpuMillicores: number;
  readonly gpuPercent: number;
  /**
   * Instead of the thread rule, where measuring has shown a better one; engines without a choice go without.
   */
  readonly threading?: Threading | undefined;
  /**
   * What runs the share of the GPU; default: CUDA. Without a share, the CPU runs the model whatever this
   * says.
   */
  readonly provider?: ProviderName | undefined;
  /**
   * The largest batch it will be given: what runs fast only in sizes that it is prepared for then is.
   * Default: any.
   */
  readonly maxBatch?: number | undefined;
}

/** A loaded model, ready to run. */
export interface EngineSession {
  readonly manifest: ModelManifest;
  /** Intra-op threads in use, after the thread rule. */
  readonly threads: number;
  /** Whether idle threads spin (fast answers, but they burn quota). */
  readonly spinning: boolean;
  /**
   * Sizes, ascending, that batches are padded up to, where that is so: the first run of each takes longer
   * than all later ones.
   */
  readonly batchSizes?: readonly number[] | undefined;
  /**
   * Runs the model once. Feeds carry the batch axis; so do the results.
   *
   * @throws InflessError INVALID_INPUT for feeds the model does not take, INFERENCE_FAILED when it breaks.
   */
  run(feeds: NamedTensors): Promise<NamedTensors>;
  close(): Promise<void>;
}

/** How models of one format lie on disk. Told without their runtime, but for `files` by a path alone. */
export interface ModelStorage {
  readonly format: ModelFormat;
  /** What the file that a model is opened by is called in sentences: `an .onnx file`. */
  readonly kind: string;
  /** Whether a file of this name is opened as a model of this format. */
  recognizes(path: string): boolean;
  /**
   * What to call a file so that it is recognized, where it looks like a model of this format; undefined where
   * it does not, and where models of this format cannot be told by how they begin.
   *
   * @param start its first bytes
   */
  properName?(path: string, start: Buffer): string | undefined;
  /** What to call a model where no one says. */
  defaultName(path: string): string;
  /**
   * The files that the model consists of, relative to the folder of the one it is opened by: that one, and
   * those with its weights.
   *
   * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT
   */
  files(path: string): Promise<readonly string[]>;
}

/** A runtime for one model format: the only place that knows what is special about either. */
export interface Engine extends ModelStorage {
  /** Runtime and version, as recorded in profile tables: `onnxruntime-node 1.30.0`. */
  readonly version: string;
  /** Whether it runs with the threads that it is told; others choose theirs themselves. */
  readonly takesThreading: boolean;
  /** Undefined where the runtime tells nothing of its runs beside the answers. */
  readonly tracing?: Tracing;
  /** What an image of a model of this format needs of it. */
  readonly runtime: EngineRuntime;
  /**
   * Reads what a model file is.
   *
   * @param on what must run it to prove its batch axes, and opens it next in this process; default: the
   * CPU
   * @param like what requests look like, where the user says it
   * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED; INVALID_INPUT for a sample or
   * shapes that the model does not take
   */
  inspect(path: string, name: string, on?: EngineResources, like?: RequestLike): Promise<ModelManifest>;
  /**
   * The digest of what the model computes, whatever its weights: another training of the same network has
   * the same one, and takes as long.
   *
   * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT
   */
  graphDigest(path: string): Promise<`sha256:${string}`>;
  /**
   * Names of the providers it was built with, whether they can be used here or not; the CPU's is among them.
   */
  providerNames(): Promise<readonly ProviderName[]>;
  /**
   * Its providers on this machine, each tried in a process of its own, since a library that was not found
   * once is not looked for again. Trying one takes up to some seconds.
   *
   * @throws InflessError INVALID_INPUT for a name that the engine does not have, with those that it has
   */
  providers(query?: ProviderQuery): Promise<readonly Provider[]>;
  /**
   * What a process needs in its environment, beside ours, to find the libraries of GPUs: the loader reads its
   * path once, when the process starts. Undefined where the runtime finds them by itself.
   */
  gpuEnvironment?(): NodeJS.ProcessEnv;
  /**
   * @throws InflessError as {@link inspect}; INVALID_INPUT for a provider that the engine does not have,
   * ACCELERATOR_UNAVAILABLE for one that cannot be used here, ACCELERATOR_OUT_OF_MEMORY where the model does
   * not fit.
   */
  open(model: ModelFile, resources: EngineResources): Promise<EngineSession>;
}

/**
 * What a runtime tells of its runs beside the answers. Models run in this process for it, and files are left
 * in the folder for temporary ones meanwhile.
 */
export interface Tracing {
  /**
   * The operators of each run, in the order in which they ran: the first runs are cold.
   *
   * @param atLeast how many runs there are to be, and how long they are to go on
   * @throws InflessError as {@link Engine.open}, INFERENCE_FAILED
   */
  operators(
    model: ModelFile,
    resources: EngineResources,
    feeds: NamedTensors,
    atLeast: { readonly runs: number; readonly timeMs: number },
  ): Promise<readonly (readonly TracedOperator[])[]>;
  /**
   * What a provider leaves to the CPU.
   *
   * @throws InflessError as {@link Engine.open}, INFERENCE_FAILED
   */
  cpuNodes(model: ModelFile, resources: EngineResources, feeds: NamedTensors): Promise<CpuNodes>;
}

/** How an engine uses the cores of a quota. */
export interface Threading {
  /** Threads that share the work of one operator. */
  readonly threads: number;
  /** Whether they burn CPU while they wait for work. */
  readonly spinning: boolean;
}

/**
 * The thread rule: as many threads as the quota has cores, rounded up, and none of them spins.
 *
 * Threads beyond the quota only throttle each other (two at 100 % lose to one). A thread that spins is
 * charged for it: under a fractional quota it takes the time the working thread needed. Where the profiler
 * has measured a better choice for a quota, the table says so, and the engine is opened with that instead.
 */
export function threadRule(cpuMillicores: number): Threading {
  return { threads: Math.max(1, Math.ceil(cpuMillicores / 1000)), spinning: false };
}
