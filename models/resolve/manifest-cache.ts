import { fileIdentity, remembered } from '../base/memory.ts';
import { packageVersion } from '../base/package.ts';
import { contentOf } from '../engines/content.ts';
import type { Engine, EngineResources } from '../engines/engine.ts';
import { likenessKey, type RequestLike } from '../manifest/example.ts';
import { type ModelManifest, modelManifestSchema } from '../manifest/manifest.ts';
import { refusePlaceholder } from './foreign-files.ts';

/** Raise it when inspecting finds something else than before. */
const GENERATION = 7;

/**
 * What a model file is, remembered between processes: finding out reads the whole file and runs the model,
 * 1.5 s for a ResNet-50, which would be most of a serving process's cold start. A replaced file is looked at
 * again.
 *
 * @param on as {@link Engine.inspect}
 * @param like as {@link Engine.inspect}: what it changes of what a model is, is remembered beside the rest
 */
export async function inspectOnce(
  engine: Engine,
  path: string,
  name: string,
  on?: EngineResources,
  like: RequestLike = {},
): Promise<ModelManifest> {
  const { parts } = await contentOf(engine, path); // weights may be replaced alone
  const identities = await Promise.all(parts.map(({ file }) => fileIdentity(file)));
  const likeness = likenessKey(like);
  const key = [
    GENERATION,
    packageVersion,
    engine.version,
    ...identities,
    ...(likeness === undefined ? [] : [likeness]),
  ];
  const manifest = await remembered('manifests', key, modelManifestSchema, async () => {
    for (const { file } of parts) await refusePlaceholder(file);
    return engine.inspect(path, name, on, like);
  });
  return { ...manifest, name };
}
