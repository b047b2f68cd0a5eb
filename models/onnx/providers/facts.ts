import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InflessError, messageOf } from '../../base/errors.ts';
import type { ProviderName } from '../../provider.ts';
import { cudaLibraries } from './cuda-libraries.ts';
import { readDriver } from './driver.ts';
import { explainFailure, isOfProvider, type ProviderFacts } from './provider-errors.ts';

/** The names of needed libraries come early in a library's file. */
const DYNAMIC_NAMES_BYTES = 1 << 20;

/** The folder of the runtime's own library, beside which it looks for those of its providers. */
export function runtimeFolder(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  return join(root, 'bin', 'napi-v6', process.platform, process.arch);
}

/** What explains a provider's failure; gathered when it has failed, not before. */
export async function providerFacts(
  provider: ProviderName,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ProviderFacts> {
  const folder = runtimeFolder();
  const driver = await readDriver();
  return {
    provider,
    runtimeFolder: folder,
    driverVersion: driver?.version,
    computeCapability: driver?.computeCapability,
    cudaMajor: await cudaMajorOf(join(folder, 'libonnxruntime_providers_cuda.so')),
    libraries: cudaLibraries(environment),
    visibleDevices: environment.CUDA_VISIBLE_DEVICES,
  };
}

/** An error of the runtime as an InflessError, where it is about the provider; undefined where it is about something else. */
export async function providerError(
  provider: ProviderName,
  error: unknown,
): Promise<InflessError | undefined> {
  if (error instanceof InflessError || !isOfProvider(messageOf(error))) return undefined;
  const failure = explainFailure(messageOf(error), await providerFacts(provider))!;
  return new InflessError(failure.code, failure.what, { remedy: failure.remedy, cause: error });
}

/** By the names of the libraries that it needs. */
async function cudaMajorOf(library: string): Promise<number | undefined> {
  const file = await open(library).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const buffer = Buffer.alloc(DYNAMIC_NAMES_BYTES);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const names = buffer.toString('latin1', 0, bytesRead);
    const [, major] = /\0lib(?:cudart|cublasLt|cublas)\.so\.(\d+)\0/.exec(names) ?? [];
    return major === undefined ? undefined : Number(major);
  } finally {
    await file.close();
  }
}
