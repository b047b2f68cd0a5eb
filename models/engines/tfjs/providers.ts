import { InflessError } from '../../base/errors.ts';
import { CPU_PROVIDER, type Provider, type ProviderName, type ProviderQuery } from '../provider.ts';
import { isInstalled, NATIVE } from './runtime/packages.ts';
import { runtimeVersion } from './runtime/runtime.ts';

export const TFJS_PROVIDERS: readonly ProviderName[] = [CPU_PROVIDER, 'cuda'];

/**
 * What runs TF.js models here; see {@link Engine.providers}. TensorFlow.js does not say on what an operator
 * ran, so that no share of CPU nodes can be measured.
 */
export async function tfjsProviders({
  only = TFJS_PROVIDERS,
}: ProviderQuery = {}): Promise<readonly Provider[]> {
  const unknown = only.find((name) => !TFJS_PROVIDERS.includes(name));
  if (unknown !== undefined) {
    throw new InflessError('INVALID_INPUT', `${runtimeVersion()} has no provider "${unknown}"`, {
      remedy: `Choose one of ${TFJS_PROVIDERS.join(', ')}, or convert the model to ONNX.`,
    });
  }
  return only.map((name) =>
    name === CPU_PROVIDER || isInstalled(NATIVE.gpu) ? { name } : { name, unusable: NO_GPU },
  );
}

const NO_GPU = {
  what: `TF.js models need ${NATIVE.gpu} to run on a GPU, and it is not installed`,
  remedy: `Run npm install ${NATIVE.gpu} (its TensorFlow 2.9 wants CUDA 11.2 and cuDNN 8.1, and knows no GPU newer than Ampere), or convert the model to ONNX.`,
};
