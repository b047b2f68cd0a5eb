import { InflessError } from '../../models/base/errors.ts';
import { engineFor } from '../../models/engines/index.ts';
import { CPU_PROVIDER, type ProviderName } from '../../models/engines/provider.ts';
import type { ModelFormat } from '../../models/manifest/manifest.ts';
import { SERVER_ENVIRONMENT } from '../../packager/server/instance-protocol.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import type { FunctionSpec } from './spec.ts';

/** What runs a function's shares of a GPU. */
export interface ProviderChoice {
  /** With `cpu`, it is kept off GPUs. */
  readonly limits: FunctionSpec['limits'];
  /** Of its serving processes; nothing where the engine's own choice is right. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * What the function names, else what its table was measured with: times of one provider say nothing of
 * another.
 *
 * @throws InflessError INVALID_INPUT for a provider that the engine does not have, PROFILE_INVALID where the
 * table is of another
 */
export async function chooseProvider(
  { name, provider, limits }: Pick<FunctionSpec, 'name' | 'provider' | 'limits'>,
  format: ModelFormat,
  table: ProfileTable,
): Promise<ProviderChoice> {
  const measured = table.accelerator?.provider;
  if (provider === undefined || provider === measured)
    return { limits, environment: environmentOf(measured) };
  await checkName(name, provider, format);
  if (provider === CPU_PROVIDER) return { limits: { ...limits, gpu: 0 }, environment: {} };
  if (measured === undefined) return { limits, environment: environmentOf(provider) };
  throw new InflessError(
    'PROFILE_INVALID',
    `Function "${name}" asks for the provider ${provider}, and its profile table was measured with ${measured}`,
    { remedy: `Measure it with infless-profile --provider ${provider}, or leave "provider" out.` },
  );
}

function environmentOf(provider: ProviderName | undefined): Record<string, string> {
  return provider === undefined ? {} : { [SERVER_ENVIRONMENT.provider]: provider };
}

async function checkName(functionName: string, provider: ProviderName, format: ModelFormat): Promise<void> {
  const engine = engineFor(format);
  const names = await engine.providerNames();
  if (names.includes(provider)) return;
  throw new InflessError(
    'INVALID_INPUT',
    `Function "${functionName}" asks for the provider "${provider}", which ${engine.version} does not have here`,
    { remedy: `Choose one of ${names.join(', ')}.` },
  );
}
