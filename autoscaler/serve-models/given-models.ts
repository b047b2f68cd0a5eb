import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InflessError } from '../../models/base/errors.ts';
import { ENGINES } from '../../models/engines/index.ts';
import type { ModelFile } from '../../models/manifest/manifest.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';

/** A model that was given on the command line, and the function that serves it. */
export interface GivenModel {
  /** As addresses have it. */
  readonly functionName: string;
  /** A path or a name of the zoo: what a declaration and the profiler call it. */
  readonly reference: string;
  readonly model: ModelFile;
}

const LONGEST_NAME = 63;

/**
 * The models that a person has given: files, names of the zoo, and folders of models, in which every model
 * counts.
 *
 * @throws InflessError as {@link resolveModel}; INVALID_INPUT where two would have one name
 */
export async function givenModels(arguments_: readonly string[]): Promise<readonly GivenModel[]> {
  const references = (await Promise.all(arguments_.map(modelsAt))).flat();
  const models: GivenModel[] = [];
  for (const reference of [...new Set(references)]) {
    const model = await resolveModel(reference);
    models.push({ functionName: functionNameOf(model.manifest.name), reference, model });
  }
  refuseNamesakes(models);
  return models;
}

/** The model files of a folder that has several; anything else stands for itself. */
async function modelsAt(reference: string): Promise<readonly string[]> {
  const path = resolve(reference);
  const status = await stat(path).catch(() => undefined);
  if (status?.isDirectory() !== true) return [status === undefined ? reference : path];
  const entries = await readdir(path, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const own = files.filter((name) => ENGINES.some((engine) => engine.recognizes(name)));
  if (own.length === 1) return [path];
  if (own.length > 1) return own.sort().map((name) => join(path, name));
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
  const found: string[] = [];
  for (const folder of below.sort()) if (await hasModel(folder)) found.push(folder);
  return found.length > 0 ? found : [path]; // which says what is wrong with it
}

async function hasModel(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => ENGINES.some((engine) => engine.recognizes(name)));
}

/** A name as functions may have it: `My Model_v2` is `my-model-v2`. */
export function functionNameOf(modelName: string): string {
  const name = modelName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_NAME)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'model' : name;
}

function refuseNamesakes(models: readonly GivenModel[]): void {
  const byName = new Map<string, GivenModel>();
  for (const given of models) {
    const other = byName.get(given.functionName);
    if (other !== undefined) {
      throw new InflessError(
        'INVALID_INPUT',
        `${other.reference} and ${given.reference} would both be served as "${given.functionName}"`,
        { remedy: 'Rename one of the files, or declare both in a functions file.' },
      );
    }
    byName.set(given.functionName, given);
  }
}
