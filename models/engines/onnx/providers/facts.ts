import { InflessError, messageOf } from '../../../base/errors.ts';
import type { ProviderName } from '../../provider.ts';
import { cudaLibraries } from './cuda-libraries.ts';
import { readDriver } from './driver.ts';
import { explainFailure, isOfProvider, type ProviderFacts } from './provider-errors.ts';
import { cudaMajorOfProvider, runtimeFolder } from './provider-library.ts';

/** What explains a provider's failure; gathered when it has failed, not before. */
export async function providerFacts(
  provider: ProviderName,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ProviderFacts> {
  const driver = await readDriver();
  return {
    provider,
    runtimeFolder: runtimeFolder(),
    driverVersion: driver?.version,
    computeCapability: driver?.computeCapability,
    cudaMajor: cudaMajorOfProvider(),
    libraries: cudaLibraries(environment),
    visibleDevices: environment.CUDA_VISIBLE_DEVICES,
  };
}

/**
 * An error of the runtime as an InflessError, where it is about the provider; undefined where it is about
 * something else.
 */
export async function providerError(
  provider: ProviderName,
  error: unknown,
): Promise<InflessError | undefined> {
  if (error instanceof InflessError || !isOfProvider(messageOf(error))) return undefined;
  const failure = explainFailure(messageOf(error), await providerFacts(provider))!;
  return new InflessError(failure.code, failure.what, { remedy: failure.remedy, cause: error });
}
