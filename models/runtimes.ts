import { WASM_BACKEND } from './engines/tfjs/runtime/packages.ts';
import type { ModelFormat } from './manifest/manifest.ts';

/** The runtime of a format's engine, as an image has it. */
export interface FormatRuntime {
  /** What only this engine imports: an image of another format does without them, and without what they import. */
  readonly packages: readonly string[];
  /** What is read at run time and named by no import: `package/path`. */
  readonly files: readonly string[];
}

/** Images run TF.js models on WebAssembly: which native binding is installed where they are packed is not theirs. */
export const FORMAT_RUNTIMES: Readonly<Record<ModelFormat, FormatRuntime>> = {
  onnx: { packages: ['onnxruntime-node'], files: [] },
  tfjs: {
    packages: [
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-converter',
      '@tensorflow/tfjs-layers',
      '@tensorflow/tfjs-backend-cpu',
      WASM_BACKEND,
    ],
    // The second is for processors without SIMD.
    files: [
      `${WASM_BACKEND}/dist/tfjs-backend-wasm-simd.wasm`,
      `${WASM_BACKEND}/dist/tfjs-backend-wasm.wasm`,
    ],
  },
};
