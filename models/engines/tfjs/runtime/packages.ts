import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** TensorFlow's own library through its native binding. Users add it: installing it downloads the library. */
export const NATIVE = { cpu: '@tensorflow/tfjs-node', gpu: '@tensorflow/tfjs-node-gpu' } as const;

/** WebAssembly, one thread. Users add it with {@link WASM_PACKAGES}: most have ONNX models alone. */
export const WASM_BACKEND = '@tensorflow/tfjs-backend-wasm';

/** All that running on WebAssembly takes. */
export const WASM_PACKAGES = ['core', 'converter', 'layers', 'backend-cpu', 'backend-wasm'].map(
  (part) => `@tensorflow/tfjs-${part}`,
);

/** The package that runs models on CPU here. */
export function cpuBackend(): typeof NATIVE.cpu | typeof WASM_BACKEND {
  return isInstalled(NATIVE.cpu) ? NATIVE.cpu : WASM_BACKEND;
}

export function isInstalled(name: string): boolean {
  return versionOf(name) !== undefined;
}

/** The installed version of a package, undefined where there is none. */
export function versionOf(name: string): string | undefined {
  try {
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}
