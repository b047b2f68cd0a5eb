import { fileIdentity, remembered } from './base/memory.ts';
import { packageVersion } from './base/package.ts';
import type { Engine } from './engine.ts';
import { type ModelManifest, modelManifestSchema } from './manifest.ts';

/** Raise it when inspecting finds something else than before. */
const GENERATION = 1;

/**
 * What a model file is, remembered between processes: finding out reads the whole file and runs the model, 1.5 s
 * for a ResNet-50, which would be most of a serving process's cold start. A replaced file is looked at again.
 */
export async function inspectOnce(engine: Engine, path: string, name: string): Promise<ModelManifest> {
  const identity = await fileIdentity(path);
  if (identity === undefined) return engine.inspect(path, name); // it tells what is wrong with the path
  const key = [GENERATION, packageVersion, engine.version, identity];
  const manifest = await remembered('manifests', key, modelManifestSchema, () => engine.inspect(path, name));
  return { ...manifest, name };
}
