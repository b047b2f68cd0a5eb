import { dirname } from 'node:path';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { InflessError, messageOf } from '../../base/errors.ts';
import type { ModelManifest } from '../../manifest/manifest.ts';
import type { NamedTensors, Tensor, TensorData } from '../../manifest/tensor.ts';
import { type EngineResources, type EngineSession, type Threading, threadRule } from '../engine.ts';
import { CPU_PROVIDER, type ProviderName, providerFor } from '../provider.ts';
import { loadError, runError } from './errors.ts';
import { providerError } from './providers/facts.ts';
import { checkProviderName, providerChain } from './providers/provider-names.ts';
import { tryProvider } from './providers/try-provider.ts';
import { loadRuntime, type OnnxRuntime } from './runtime.ts';
import { outputName, withTensorOutputs } from './tensor-outputs.ts';

/** The runtime's number for `fatal`; sessions do not inherit the level of the environment. */
const LOG_FATAL = 4;

/** Where the runtime looks for weights of a model that is given as bytes. */
export const WEIGHTS_FOLDER = 'model_external_initializers_file_folder_path';

/**
 * Where a session leaves what its operators took, and which they are after the runtime's own optimisations.
 */
export interface SessionTrace {
  /** The runtime appends `_<date>.json` when the session's profiling ends. */
  readonly filePrefix: string;
  readonly optimizedFile: string;
}

/** Opens a model file under a thread rule; the one place where session options are chosen. */
export async function createSession(
  path: string,
  threading: Threading,
  resources: Pick<EngineResources, 'gpuPercent' | 'provider'> = { gpuPercent: 0 },
  trace?: Partial<SessionTrace>,
): Promise<{ runtime: OnnxRuntime; session: InferenceSession }> {
  const runtime = await loadRuntime();
  const provider = providerFor(resources);
  await checkProvider(provider, resources);
  try {
    const spinning = { intra_op: { allow_spinning: threading.spinning ? '1' : '0' } };
    const options: InferenceSession.SessionOptions = {
      intraOpNumThreads: threading.threads,
      interOpNumThreads: 1,
      executionProviders: [...providerChain(provider)],
      // On the CPU a planned block beside the arena's own pieces takes a third more memory and saves no time.
      enableMemPattern: provider !== CPU_PROVIDER,
      logSeverityLevel: LOG_FATAL,
      extra: { session: spinning },
      ...(trace === undefined ? {} : traceOptions(trace)),
    };
    const rewritten = withTensorOutputs(path);
    const { InferenceSession } = runtime;
    if (rewritten === undefined) return { runtime, session: await InferenceSession.create(path, options) };
    const extra = { session: { ...spinning, [WEIGHTS_FOLDER]: dirname(path) } };
    return { runtime, session: await InferenceSession.create(rewritten.bytes, { ...options, extra }) };
  } catch (error) {
    throw (await acceleratorError(provider, error)) ?? loadError(path, error);
  }
}

async function checkProvider(
  provider: ProviderName,
  { gpuPercent }: Pick<EngineResources, 'gpuPercent'>,
): Promise<void> {
  if (provider !== CPU_PROVIDER) return checkProviderName(provider);
  if (gpuPercent === 0) return;
  throw new InflessError('INVALID_INPUT', 'The provider "cpu" makes no use of a share of a GPU', {
    remedy: 'Choose another provider, or ask for a GPU share of 0.',
  });
}

/** Undefined where the accelerator is not what failed. */
async function acceleratorError(provider: ProviderName, error: unknown): Promise<InflessError | undefined> {
  if (provider === CPU_PROVIDER) return undefined;
  // Why a library cannot be loaded the runtime tells its log alone: another process shows it.
  const unusable = NOT_LOADED.test(messageOf(error)) ? (await tryProvider(provider)).unusable : undefined;
  if (unusable === undefined) return providerError(provider, error);
  return new InflessError('ACCELERATOR_UNAVAILABLE', unusable.what, {
    remedy: unusable.remedy,
    cause: error,
  });
}

const NOT_LOADED = /Failed to load shared library/;

function traceOptions({ filePrefix, optimizedFile }: Partial<SessionTrace>): InferenceSession.SessionOptions {
  return {
    ...(filePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: filePrefix }),
    ...(optimizedFile === undefined ? {} : { optimizedModelFilePath: optimizedFile }),
  };
}

/**
 * A loaded ONNX model. `run` blocks the calling thread although it returns a promise: the runtime does so.
 */
export class OnnxSession implements EngineSession {
  readonly manifest: ModelManifest;
  readonly threads: number;
  readonly spinning: boolean;
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #provider: ProviderName;

  private constructor(
    manifest: ModelManifest,
    threading: Threading,
    runtime: OnnxRuntime,
    session: InferenceSession,
    provider: ProviderName,
  ) {
    this.manifest = manifest;
    this.threads = threading.threads;
    this.spinning = threading.spinning;
    this.#runtime = runtime;
    this.#session = session;
    this.#provider = provider;
  }

  static async open(path: string, manifest: ModelManifest, resources: EngineResources): Promise<OnnxSession> {
    const threading = resources.threading ?? threadRule(resources.cpuMillicores);
    const { runtime, session } = await createSession(path, threading, resources);
    return new OnnxSession(manifest, threading, runtime, session, providerFor(resources));
  }

  run(feeds: NamedTensors): Promise<NamedTensors> {
    return runSession(this.#runtime, this.#session, this.manifest.name, feeds, this.#provider);
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

/** One run in our own tensor types. */
export async function runSession(
  runtime: OnnxRuntime,
  session: InferenceSession,
  name: string,
  feeds: NamedTensors,
  provider: ProviderName = CPU_PROVIDER,
): Promise<NamedTensors> {
  try {
    const results = await session.run(
      Object.fromEntries(Object.entries(feeds).map(([input, tensor]) => [input, toRuntime(runtime, tensor)])),
    );
    return Object.fromEntries(
      session.outputNames.map((output) => [outputName(output), fromRuntime(results[output] as OrtTensor)]),
    );
  } catch (error) {
    throw (await acceleratorError(provider, error)) ?? runError(name, error);
  }
}

function toRuntime(runtime: OnnxRuntime, tensor: Tensor): OrtTensor {
  if (tensor.dtype === 'string') refuseNul(tensor.data as string[]);
  return new runtime.Tensor(tensor.dtype, tensor.data as string[], tensor.shape as number[]);
}

/** The runtime's binding takes C strings: it would cut at the NUL without a word. */
function refuseNul(strings: readonly string[]): void {
  if (strings.some((text) => text.includes('\0'))) {
    throw new InflessError('INVALID_INPUT', 'A string with a NUL character cannot be given to an ONNX model');
  }
}

function fromRuntime(tensor: OrtTensor): Tensor {
  const dtype = tensor.type as Tensor['dtype'];
  return {
    dtype,
    shape: tensor.dims,
    data: dtype === 'float16' ? halfBits(tensor.data) : (tensor.data as TensorData),
  };
}

/** Newer Node.js versions have a Float16Array, which the runtime then uses; we carry the bits. */
function halfBits(data: OrtTensor['data']): Uint16Array {
  if (data instanceof Uint16Array) return data;
  const view = data as unknown as ArrayBufferView;
  return new Uint16Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength / 2);
}
