import { basename, dirname, resolve } from 'node:path';
import { cacheDirectory } from '../base/files.ts';
import { engineFor, formatOfPath } from '../engines/index.ts';
import type { ModelFile } from '../manifest/manifest.ts';
import { isZooName, unknownModel } from '../zoo/names.ts';
import { inspectOnce } from './manifest-cache.ts';
import { describedModel } from './manifest-file.ts';

export interface ResolveOptions {
  /** What to call the model; default: the zoo name, or the file name without its extension, or of a `model.json` its folder's. */
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
  return inspect(resolve(reference), options.name ?? nameOf(resolve(reference)));
}

async function inspect(path: string, name: string): Promise<ModelFile> {
  return { path, manifest: await inspectOnce(engineFor(formatOfPath(path)), path, name) };
}

/** Every TF.js model's file has the same name. */
function nameOf(path: string): string {
  return formatOfPath(path) === 'tfjs' ? basename(dirname(path)) : basename(path).replace(/\.[^.]+$/, '');
}

/** A bare word is a name that someone mistyped, not a file without extension. */
function looksLikePath(reference: string): boolean {
  return /[./\\]/.test(reference);
}
