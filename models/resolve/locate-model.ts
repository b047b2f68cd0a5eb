import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InflessError, systemCode } from '../base/errors.ts';
import { cacheDirectory } from '../base/files.ts';
import { isNameless } from '../engines/content.ts';
import { ENGINES, engineOf, modelKinds } from '../engines/index.ts';
import { isZooName, unknownModel } from '../zoo/names.ts';
import { foreignIn, refuseForeign } from './foreign-files.ts';

export interface LocatedModel {
  /** The file that an engine opens. */
  readonly path: string;
  /**
   * What to call it where no one says: the zoo name, else after the file or, for one called `model`, its
   * folder.
   */
  readonly name: string;
  /**
   * Where its owner may have left options and tables; undefined for a zoo model, which lies in our own cache.
   */
  readonly folder: string | undefined;
}

/**
 * Finds a model by a zoo name, which is built into the cache on first use, a file, or a folder that has one
 * in it.
 *
 * @param fileInFolder which file of a folder, where its options name one
 * @throws InflessError MODEL_NOT_FOUND; MODEL_UNSUPPORTED or MODEL_CORRUPT for a file that is no model's;
 * INVALID_INPUT for a folder with several models; STORAGE_FAILED when a zoo model cannot be written to the
 * cache
 */
export async function locateModel(reference: string, fileInFolder?: string): Promise<LocatedModel> {
  if (isZooName(reference)) {
    const { buildZooModel } = await import('../zoo/index.ts');
    return { path: await buildZooModel(reference, cacheDirectory()), name: reference, folder: undefined };
  }
  const given = resolve(reference);
  const status = await stat(given).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') throw unknownModel(reference);
    return undefined; // why it cannot be read is told by who opens it
  });
  const isFolder = status?.isDirectory() === true;
  const path = isFolder ? join(given, fileInFolder ?? (await modelIn(given))) : given;
  await refuseForeign(path);
  return { path, name: engineOf(path).defaultName(path), folder: dirname(path) };
}

/** Where there are several, exporters have left the one that is meant without a name of its own. */
async function modelIn(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  const models = names.filter((name) => ENGINES.some((engine) => engine.recognizes(name)));
  const [only = models.find(isNameless)] = models.length === 1 ? models : [];
  if (only !== undefined) return only;
  if (models.length === 0) {
    const foreign = await foreignIn(folder, names);
    if (foreign !== undefined) throw foreign;
    throw new InflessError('MODEL_NOT_FOUND', `Folder ${folder} has no model in it`, {
      remedy: `Give a folder with ${modelKinds()}.`,
    });
  }
  throw new InflessError('INVALID_INPUT', `Folder ${folder} has several models: ${models.join(', ')}`, {
    remedy: 'Give the file that is meant; infless-pack also takes its name from "model" in infless.yaml.',
  });
}
