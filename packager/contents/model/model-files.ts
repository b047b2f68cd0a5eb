import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InflessError, systemCode } from '../../../models/base/errors.ts';
import { formatOfPath } from '../../../models/engines/index.ts';
import { externalWeights } from '../../../models/engines/onnx/external-weights.ts';
import { readModelJson, shardsOf } from '../../../models/engines/tfjs/model-json.ts';

/** A file of the model, by its path in the model's folder here and in the image. */
export interface PackedFile {
  readonly path: string;
  readonly file: string;
  readonly sizeBytes: number;
}

/** What goes into the image of a model: the file it is opened by, and all that this one needs. */
export interface ModelFiles {
  /** The file that is opened, one of `files`. */
  readonly entry: PackedFile;
  /** In the order of their paths. */
  readonly files: readonly PackedFile[];
}

/**
 * Finds the files of a model: weights in files of their own, and whatever else was asked for.
 *
 * @param path the .onnx file, or the model.json of a TF.js model
 * @param include more files that shall lie beside it, relative to its folder (labels, a vocabulary)
 * @throws InflessError MODEL_CORRUPT where weights are missing or lie outside the model's folder, INVALID_INPUT
 *   for an `include` that is no file
 */
export async function modelFiles(path: string, include: readonly string[] = []): Promise<ModelFiles> {
  const folder = dirname(resolve(path));
  const entry = await packedFile(folder, basename(path), (why) => modelMissing(path, why));
  const weights = isTfjs(path) ? shardsOf(await readModelJson(path)) : externalWeights(path);
  const byPath = new Map([[entry.path, entry]]);
  for (const name of weights) {
    if (!staysInside(name)) throw outside(path, name);
    const file = await packedFile(folder, name, (why) => weightsMissing(path, name, why));
    byPath.set(file.path, file);
  }
  for (const name of include) {
    if (!staysInside(name)) throw notIncluded(name, `is not below the model's folder ${folder}`);
    const file = await packedFile(folder, name, (why) => notIncluded(name, `${why} in ${folder}`));
    byPath.set(file.path, file);
  }
  const files = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { entry, files };
}

function isTfjs(path: string): boolean {
  return formatOfPath(path) === 'tfjs';
}

/** Names that leave the folder would overwrite other parts of the image, or take files along that are not the model's. */
function staysInside(name: string): boolean {
  return !/^[/\\]|^[a-z]:|\\|\0/i.test(name) && !name.split('/').includes('..');
}

async function packedFile(
  folder: string,
  name: string,
  fail: (why: string, cause?: unknown) => InflessError,
): Promise<PackedFile> {
  const file = join(folder, name);
  const status = await stat(file).catch((error: unknown) => {
    throw fail(systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${systemCode(error)})`);
  });
  if (!status.isFile()) throw fail('is no file');
  return { path: join('/', name).slice(1), file, sizeBytes: status.size };
}

function modelMissing(path: string, why: string): InflessError {
  return new InflessError('MODEL_NOT_FOUND', `Model file ${path} ${why}`, {
    remedy: 'Give the path of an .onnx file or of a TF.js model.json.',
  });
}

function weightsMissing(path: string, name: string, why: string): InflessError {
  return new InflessError('MODEL_CORRUPT', `Weights file ${name} of ${path} ${why}`, {
    remedy: 'Put all files of the model into one folder.',
  });
}

function outside(path: string, name: string): InflessError {
  return new InflessError('MODEL_CORRUPT', `${path} keeps weights in "${name}", outside its own folder`, {
    remedy: 'Export it with its weights beside it.',
  });
}

function notIncluded(name: string, why: string): InflessError {
  return new InflessError('INVALID_INPUT', `File ${name} to include ${why}`, {
    remedy: "Name files by their path relative to the model's folder.",
  });
}
