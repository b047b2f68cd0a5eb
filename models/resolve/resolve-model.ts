import { resolve } from 'node:path';
import { cacheDirectory } from '../base/files.ts';
import { engineOf } from '../engines/index.ts';
import type { ModelFile } from '../manifest/manifest.ts';
import { isZooName, unknownModel } from '../zoo/names.ts';
import { inspectOnce } from './manifest-cache.ts';
import { describedModel } from './manifest-file.ts';

export interface ResolveOptions {
  /** What to call the model; default: the zoo name, or the file's without its extension, or the folder's where the file is called `model`. */
  readonly name?: string;
  /** A file that says what the model is, so that it need not be run to find out: an image has one. */
  readonly manifestFile?: string;
}

/**
 * Finds a model by a zoo name, which is built into the cache on first use, or by a path.
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT (also where a manifest file is of another model), MODEL_UNSUPPORTED; STORAGE_FAILED when a zoo model cannot
 *   be written to the cache.
 */
export async function resolveModel(reference: string, options: ResolveOptions = {}): Promise<ModelFile> {
  if (isZooName(reference)) {
    const { buildZooModel } = await import('../zoo/index.ts');
    const path = await buildZooModel(reference, cacheDirectory());
    return inspect(path, options.name ?? reference);
  }
  if (!looksLikePath(reference)) throw unknownModel(reference);
  if (options.manifestFile !== undefined) {
    return describedModel(resolve(reference), options.manifestFile, options.name);
  }
  return inspect(resolve(reference), options.name);
}

async function inspect(path: string, name?: string): Promise<ModelFile> {
  const engine = engineOf(path);
  return { path, manifest: await inspectOnce(engine, path, name ?? engine.defaultName(path)) };
}

/** A bare word is a name that someone mistyped, not a file without extension. */
function looksLikePath(reference: string): boolean {
  return /[./\\]/.test(reference);
}
