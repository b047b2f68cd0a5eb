import { dirname, join } from 'node:path';
import { fileIdentity, remembered } from '../base/memory.ts';
import { packageVersion } from '../base/package.ts';
import { contentOf } from '../engines/content.ts';
import type { Engine } from '../engines/engine.ts';
import { type ModelFormat, type ModelManifest, modelManifestSchema } from '../manifest/manifest.ts';

/** Raise it when inspecting finds something else than before. */
const GENERATION = 2;

/**
 * What a model file is, remembered between processes: finding out reads the whole file and runs the model, 1.5 s
 * for a ResNet-50, which would be most of a serving process's cold start. A replaced file is looked at again.
 */
export async function inspectOnce(engine: Engine, path: string, name: string): Promise<ModelManifest> {
  const identities = await identitiesOf(path, engine.format);
  if (identities.includes(undefined)) return engine.inspect(path, name); // it tells what is wrong with the path
  const key = [GENERATION, packageVersion, engine.version, ...identities];
  const manifest = await remembered('manifests', key, modelManifestSchema, () => engine.inspect(path, name));
  return { ...manifest, name };
}

/** Of every file of the model: weights may be replaced alone. */
async function identitiesOf(path: string, format: ModelFormat): Promise<(string | undefined)[]> {
  const names = await contentOf(path, format);
  return Promise.all(names.map((name) => fileIdentity(join(dirname(path), name))));
}
