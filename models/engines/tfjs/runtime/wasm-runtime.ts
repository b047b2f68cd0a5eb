import { borrowKernels } from './borrowed-kernels.ts';
import type { TfjsRuntime } from './tfjs-runtime.ts';

/** Node.js gives the backend no threads: it switches them off there. */
const THREADS = 1;

/** TensorFlow.js on WebAssembly with SIMD. What it has no operator for runs in JavaScript. */
export async function loadWasm(): Promise<TfjsRuntime> {
  const core = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-backend-wasm');
  await import('@tensorflow/tfjs-backend-cpu');
  core.enableProdMode(); // no advice on standard error
  borrowKernels(core, 'wasm', 'cpu');
  if (!(await core.setBackend('wasm'))) throw new Error('WebAssembly is switched off');
  return {
    core,
    threads: THREADS,
    loadGraphModel: async (handler) => (await import('@tensorflow/tfjs-converter')).loadGraphModel(handler),
    loadLayersModel: async (handler) => (await import('@tensorflow/tfjs-layers')).loadLayersModel(handler),
  };
}
