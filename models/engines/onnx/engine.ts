import { canBatch, type ModelFile } from '../../manifest/manifest.ts';
import type { Engine, EngineResources, EngineSession } from '../engine.ts';
import { providerFor, usesCuda } from '../provider.ts';
import { ONNX_STORAGE } from './external-weights.ts';
import { inspectOnnx } from './inspect.ts';
import { ONNX_LIBRARIES } from './native-files.ts';
import { hasConvolutions } from './providers/convolutions.ts';
import { cudaEnvironment } from './providers/cuda-libraries.ts';
import { plannedSizes } from './providers/planned-sizes.ts';
import { providerNames } from './providers/provider-names.ts';
import { onnxProviders } from './providers/try-provider.ts';
import { runtimeVersion } from './runtime.ts';
import { OnnxSession } from './session.ts';
import { SizedSession } from './sized-session.ts';

/** A session, or one for each batch size where shapes that change are dear. */
function openOnnx({ path, manifest }: ModelFile, resources: EngineResources): Promise<EngineSession> {
  const { maxBatch = 1 } = resources;
  const open = (): Promise<EngineSession> => OnnxSession.open(path, manifest, resources);
  const plans =
    usesCuda(providerFor(resources)) && maxBatch > 1 && canBatch(manifest) && hasConvolutions(path);
  return plans ? SizedSession.open(plannedSizes(maxBatch, manifest.sizeBytes), open) : open();
}

/** ONNX models on onnxruntime-node. */
export const onnxEngine: Engine = {
  ...ONNX_STORAGE,
  runtime: { packages: ['onnxruntime-node'], files: [], native: ONNX_LIBRARIES },
  takesThreading: true,
  tracing: {
    operators: async (...run) => (await import('./tracing/operators.ts')).traceOperators(...run),
    cpuNodes: async (...run) => (await import('./tracing/cpu-nodes.ts')).traceCpuNodes(...run),
  },
  get version() {
    return runtimeVersion();
  },
  inspect: inspectOnnx,
  graphDigest: async (path) => (await import('./graph/graph-digest.ts')).onnxGraphDigest(path),
  providerNames,
  providers: onnxProviders,
  gpuEnvironment: () => cudaEnvironment(),
  open: openOnnx,
};
