import type { Engine } from '../engine.ts';
import type { EngineRuntime } from '../image-runtime.ts';
import { TFJS_STORAGE } from './model-json.ts';
import { TFJS_PROVIDERS, tfjsProviders } from './providers.ts';
import { WASM_BACKEND } from './runtime/packages.ts';
import { runtimeVersion } from './runtime/runtime.ts';

/**
 * Images run models on WebAssembly: which native binding is installed where they are packed is not theirs.
 */
const IN_IMAGES: EngineRuntime = {
  packages: [
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-converter',
    '@tensorflow/tfjs-layers',
    '@tensorflow/tfjs-backend-cpu',
    WASM_BACKEND,
  ],
  // The second is for processors without SIMD.
  files: [`${WASM_BACKEND}/dist/tfjs-backend-wasm-simd.wasm`, `${WASM_BACKEND}/dist/tfjs-backend-wasm.wasm`],
};

/**
 * TF.js models on TensorFlow.js. It is loaded when a first model is: who runs ONNX models loads none of it.
 */
export const tfjsEngine: Engine = {
  ...TFJS_STORAGE,
  takesThreading: false,
  runtime: IN_IMAGES,
  get version() {
    return runtimeVersion();
  },
  inspect: async (...model) => (await import('./inspect.ts')).inspectTfjs(...model),
  graphDigest: async (path) => (await import('./graph/graph-digest.ts')).tfjsGraphDigest(path),
  providerNames: async () => TFJS_PROVIDERS,
  providers: tfjsProviders,
  open: async (model, resources) => (await import('./session.ts')).TfjsSession.open(model, resources),
};
