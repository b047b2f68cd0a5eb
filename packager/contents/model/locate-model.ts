import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import { cacheDirectory } from '../../../models/base/files.ts';
import { isZooName, unknownModel } from '../../../models/zoo/names.ts';

export interface LocatedModel {
  /** The file that a runtime opens. */
  readonly path: string;
  /** What to call it where nobody says: the zoo name, else after the file or, for `model.onnx`, its folder. */
  readonly name: string;
  /** Where its owner may have left options and tables; undefined for a zoo model, which lies in our own cache. */
  readonly folder: string | undefined;
}

/** What exporters call the file when the folder has the name already. */
const NAMELESS = /^model\.(?:onnx|json)$/i;

/**
 * Finds a model by a zoo name, a file, or a folder that has one in it.
 *
 * @param fileInFolder which file of a folder, where its options name one
 * @throws InflessError MODEL_NOT_FOUND, INVALID_INPUT for a folder with several models
 */
export async function locateModel(reference: string, fileInFolder?: string): Promise<LocatedModel> {
  if (isZooName(reference)) {
    const { buildZooModel } = await import('../../../models/zoo/index.ts');
    return { path: await buildZooModel(reference, cacheDirectory()), name: reference, folder: undefined };
  }
  const path = resolve(reference);
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) throw unknownModel(reference);
  const file = status.isDirectory() ? join(path, fileInFolder ?? (await modelIn(path))) : path;
  const name = NAMELESS.test(basename(file)) ? basename(dirname(file)) : basename(file);
  return { path: file, name: name.replace(/\.onnx$/i, ''), folder: dirname(file) };
}

async function modelIn(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  const usual = names.find((name) => NAMELESS.test(name));
  const models = names.filter((name) => /\.onnx$/i.test(name));
  if (usual !== undefined) return usual;
  if (models.length === 1) return models[0]!;
  if (models.length === 0) {
    throw new InflessError('MODEL_NOT_FOUND', `Folder ${folder} has no model in it`, {
      remedy: 'Give a folder with an .onnx file or the model.json of TF.js.',
    });
  }
  throw new InflessError('INVALID_INPUT', `Folder ${folder} has several models: ${models.join(', ')}`, {
    remedy: 'Give the one to serve, or name it in infless.yaml as "model".',
  });
}
