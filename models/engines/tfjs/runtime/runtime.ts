import { InflessError, messageOf } from '../../../base/errors.ts';
import type { EngineResources } from '../../engine.ts';
import { cpuBackend, isInstalled, NATIVE, versionOf, WASM_PACKAGES } from './packages.ts';
import type { TfjsRuntime } from './tfjs-runtime.ts';

/** What runs models on CPU here, as profile tables record it. */
export function runtimeVersion(): string {
  const name = cpuBackend();
  return `${name.replace('@tensorflow/', '')} ${versionOf(name) ?? '(not installed)'}`;
}

const loading = new Map<string, Promise<TfjsRuntime>>();

/**
 * The runtime for some resources: the native binding where the user has installed it, else WebAssembly. It is
 * loaded on first use and stays, with the threads of its first user: a process has one backend.
 *
 * @throws InflessError PLATFORM_FAILED where it is not installed, or cannot be loaded on this machine
 */
export function loadRuntime(resources: EngineResources): Promise<TfjsRuntime> {
  const name = resources.gpuPercent > 0 ? NATIVE.gpu : cpuBackend();
  const runtime = loading.get(name) ?? load(name, resources);
  loading.set(name, runtime);
  return runtime;
}

async function load(name: string, resources: EngineResources): Promise<TfjsRuntime> {
  if (!isInstalled(name)) throw notInstalled(name);
  try {
    if (name === NATIVE.gpu || name === NATIVE.cpu) {
      const { loadNative } = await import('./native-runtime.ts');
      return loadNative(name, resources);
    }
    const { loadWasm } = await import('./wasm-runtime.ts');
    return await loadWasm();
  } catch (error) {
    throw new InflessError(
      'PLATFORM_FAILED',
      `${name} cannot be loaded on this machine (${firstLine(error)})`,
      {
        remedy:
          'Install it again with its install script, or remove it: without, WebAssembly runs models on CPU.',
        cause: error,
      },
    );
  }
}

function notInstalled(name: string): InflessError {
  if (name === NATIVE.gpu) {
    return new InflessError('ACCELERATOR_UNAVAILABLE', `TF.js models need ${name} to run on a GPU`, {
      remedy: `Run npm install ${name} (its TensorFlow 2.9 wants CUDA 11.2 and cuDNN 8.1), or ask for a GPU share of 0.`,
    });
  }
  return new InflessError('PLATFORM_FAILED', `TF.js models need ${name}, which is not installed`, {
    remedy: `Run npm install ${WASM_PACKAGES.join(' ')}, where infless is installed.`,
  });
}

function firstLine(error: unknown): string {
  return messageOf(error)
    .split('\n', 1)[0]!
    .replace(/[.\s]+$/, '');
}
