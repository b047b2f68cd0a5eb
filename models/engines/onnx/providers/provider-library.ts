import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The names of needed libraries come early in a library's file. */
const DYNAMIC_NAMES_BYTES = 1 << 20;

/** The folder of the runtime's own library, beside which it looks for those of its providers. */
export function runtimeFolder(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  return join(root, 'bin', 'napi-v6', process.platform, process.arch);
}

let known: { readonly major: number | undefined } | undefined;

/** The CUDA version that the runtime's provider was built for; undefined where there is none. */
export function cudaMajorOfProvider(): number | undefined {
  known ??= { major: readMajor() };
  return known.major;
}

/** By the names of the libraries that it needs. */
function readMajor(): number | undefined {
  try {
    const file = openSync(join(runtimeFolder(), 'libonnxruntime_providers_cuda.so'), 'r');
    try {
      const buffer = Buffer.alloc(DYNAMIC_NAMES_BYTES);
      const bytesRead = readSync(file, buffer, 0, buffer.length, 0);
      const names = buffer.toString('latin1', 0, bytesRead);
      const [, major] = /\0lib(?:cudart|cublasLt|cublas)\.so\.(\d+)\0/.exec(names) ?? [];
      return major === undefined ? undefined : Number(major);
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined; // no such provider, or no such runtime
  }
}
