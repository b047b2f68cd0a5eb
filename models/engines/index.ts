import { basename } from 'node:path';
import { InflessError } from '../base/errors.ts';
import type { ModelFormat } from '../manifest/manifest.ts';
import type { Engine } from './engine.ts';
import { onnxEngine } from './onnx/engine.ts';
import { tfjsEngine } from './tfjs/engine.ts';
import { WASM_BACKEND } from './tfjs/runtime/packages.ts';

/** None of them loads its runtime before a model of its format is looked at or opened. */
const ENGINES: Readonly<Record<ModelFormat, Engine>> = { onnx: onnxEngine, tfjs: tfjsEngine };

/** The engine that runs a format. */
export function engineFor(format: ModelFormat): Engine {
  return ENGINES[format];
}

/** The format of a model file, told by its name. */
export function formatOfPath(path: string): ModelFormat {
  if (/\.onnx$/i.test(path)) return 'onnx';
  if (basename(path) === 'model.json') return 'tfjs';
  throw new InflessError('MODEL_UNSUPPORTED', `${basename(path)} is not a model file of a known format`, {
    remedy: 'Give an .onnx file, or the model.json of a TF.js model.',
  });
}

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
