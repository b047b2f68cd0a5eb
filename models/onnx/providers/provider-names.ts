import { InflessError } from '../../base/errors.ts';
import { CPU_PROVIDER, type ProviderName } from '../../provider.ts';
import { loadRuntime, runtimeVersion } from '../runtime.ts';

/** Those that the runtime's binding was built with, whether their libraries are here or not. */
export async function providerNames(): Promise<readonly ProviderName[]> {
  const { listSupportedBackends } = await loadRuntime();
  return listSupportedBackends().map(({ name }) => name);
}

/** @throws InflessError INVALID_INPUT */
export async function checkProviderName(name: ProviderName): Promise<void> {
  const names = await providerNames();
  if (names.includes(name)) return;
  throw new InflessError('INVALID_INPUT', `${runtimeVersion()} has no execution provider "${name}" here`, {
    remedy: `Choose one of ${names.join(', ')}.`,
  });
}

/** In the order of preference: nodes that one does not take go to the next. */
export function providerChain(name: ProviderName): readonly ProviderName[] {
  if (name === CPU_PROVIDER) return [CPU_PROVIDER];
  return name === 'tensorrt' ? ['tensorrt', 'cuda', CPU_PROVIDER] : [name, CPU_PROVIDER];
}
