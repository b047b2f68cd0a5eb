import { basename } from 'node:path';
import { InflessError } from '../base/errors.ts';
import type { ModelFormat } from '../manifest/manifest.ts';
import type { Engine } from './engine.ts';
import * as list from './list.ts';
import type { Provider, ProviderName } from './provider.ts';

/** All engines. None of them loads its runtime before a model of its format is looked at or opened. */
export const ENGINES: readonly Engine[] = Object.values(list);

/**
 * The engine that runs a format.
 *
 * @throws InflessError MODEL_UNSUPPORTED where there is none, as for a table that a newer version has written
 */
export function engineFor(format: ModelFormat): Engine {
  const engine = ENGINES.find((each) => each.format === format);
  if (engine !== undefined) return engine;
  throw new InflessError('MODEL_UNSUPPORTED', `Nothing here runs models of the format "${format}"`, {
    remedy: `Use a newer version of infless, or a model of another format: ${formats().join(', ')}.`,
  });
}

/**
 * The engine that opens a model file: each is asked by the file's name.
 *
 * @throws InflessError MODEL_UNSUPPORTED
 */
export function engineOf(path: string): Engine {
  const engine = ENGINES.find((each) => each.recognizes(path));
  if (engine !== undefined) return engine;
  throw new InflessError('MODEL_UNSUPPORTED', `${basename(path)} is not a model file of a known format`, {
    remedy: `Give ${modelKinds()}.`,
  });
}

/** What there are engines for, for sentences: `an .onnx file or the model.json of a TF.js model`. */
export function modelKinds(): string {
  const kinds = ENGINES.map(({ kind }) => kind);
  return [kinds.slice(0, -1).join(', '), kinds.at(-1)!].filter((part) => part !== '').join(' or ');
}

/** What a process needs in its environment to find the libraries of GPUs, whichever engine it runs. */
export function gpuEnvironment(): NodeJS.ProcessEnv {
  return Object.assign({}, ...ENGINES.map((engine) => engine.gpuEnvironment?.()));
}

/**
 * Whether any engine can use a provider here; where none can, what the first one that has it lacks.
 *
 * @param environment added to our own, as {@link Engine.providers} takes it
 */
export async function tryEngines(
  name: ProviderName,
  environment: NodeJS.ProcessEnv,
  engines: readonly Pick<Engine, 'providerNames' | 'providers'>[] = ENGINES,
): Promise<Provider> {
  let lacking: Provider | undefined;
  for (const engine of engines) {
    if (!(await engine.providerNames()).includes(name)) continue;
    const [state] = await engine.providers({ only: [name], environment });
    if (state!.unusable === undefined) return state!;
    lacking ??= state;
  }
  const what = `No engine was built with the provider "${name}" for this system`;
  return lacking ?? { name, unusable: { what, remedy: 'Run INFless on Linux.' } };
}

/** What each engine's models are called in manifests and tables. */
export function formats(): readonly ModelFormat[] {
  return ENGINES.map(({ format }) => format);
}
