import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { InflessError, systemCode } from '../base/errors.ts';
import { digestFile, staysInside } from '../base/files.ts';
import type { ModelStorage } from './engine.ts';

/** A file of a model. */
export interface ModelPart {
  /** Its path in the model's folder, here and in an image. */
  readonly name: string;
  readonly file: string;
  readonly sizeBytes: number;
}

/** A model's files. */
export interface ModelContent {
  /** The file that the model is opened by, one of `parts`. */
  readonly entry: ModelPart;
  /** In the order of their names. */
  readonly parts: readonly ModelPart[];
}

/**
 * Finds the files of a model: all that its digest, its size, its image and the memory of what it is are
 * about.
 *
 * @throws InflessError MODEL_NOT_FOUND; MODEL_CORRUPT where files of it are missing or lie outside its folder
 */
export async function contentOf(storage: ModelStorage, path: string): Promise<ModelContent> {
  const folder = dirname(resolve(path));
  const entry = await partOf(folder, basename(path), (why, cause) => notFound(storage, path, why, cause));
  const byName = new Map([[entry.name, entry]]);
  const names = await storage.files(path);
  requireInside(path, names);
  for (const name of names) {
    if (byName.has(name)) continue;
    const part = await partOf(folder, name, (why, cause) => missing(path, join(folder, name), why, cause));
    byName.set(part.name, part);
  }
  return { entry, parts: [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/**
 * What tells a model from every other one. Of one file it is that file's SHA-256; of several, that of their
 * list as `sha256sum` prints it, in the order of their names.
 */
export async function digestModel({ parts }: ModelContent): Promise<`sha256:${string}`> {
  if (parts.length === 1) return digestFile(parts[0]!.file);
  const list = createHash('sha256');
  for (const { name, file } of parts) {
    const digest = await digestFile(file);
    list.update(`${digest.slice('sha256:'.length)}  ${name}\n`);
  }
  return `sha256:${list.digest('hex')}`;
}

/** Of all its files, in bytes. */
export function sizeOfModel({ parts }: ModelContent): number {
  return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/**
 * A file in a model's folder.
 *
 * @param fail the error for a file that is missing, cannot be read or is a folder, from why that is so
 */
export async function partOf(
  folder: string,
  name: string,
  fail: (why: string, cause?: unknown) => InflessError,
): Promise<ModelPart> {
  const file = join(folder, name);
  const status = await stat(file).catch((error: unknown) => {
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${systemCode(error)})`;
    throw fail(why, error);
  });
  if (!status.isFile()) throw fail('is not a file');
  return { name: join('/', name).slice(1), file, sizeBytes: status.size };
}

/**
 * A model that names other people's files must not get them read, hashed or packed.
 *
 * @throws InflessError MODEL_CORRUPT
 */
export function requireInside(path: string, names: readonly string[]): void {
  const outside = names.find((name) => !staysInside(name));
  if (outside === undefined) return;
  throw new InflessError('MODEL_CORRUPT', `${path} keeps weights in "${outside}", outside its own folder`, {
    remedy: 'Export it with its weights beside it.',
  });
}

/** What exporters call the file when the folder has the name already. */
const NAMELESS = /^model\.[^.]+$/i;

/** Whether the name of a model's file says nothing: `model.onnx`. */
export function isNameless(path: string): boolean {
  return NAMELESS.test(basename(path));
}

/** The name of a model by that of its file, or of its folder where the file says nothing. */
export function nameByFile(path: string): string {
  const folder = basename(dirname(resolve(path)));
  return isNameless(path) && folder !== '' ? folder : basename(path, extname(path));
}

function notFound({ kind }: ModelStorage, path: string, why: string, cause: unknown): InflessError {
  return new InflessError('MODEL_NOT_FOUND', `Model file ${path} ${why}`, {
    remedy: `Give the path of ${kind}.`,
    cause,
  });
}

function missing(path: string, file: string, why: string, cause: unknown): InflessError {
  return new InflessError('MODEL_CORRUPT', `Weights file ${file} of ${path} ${why}`, {
    remedy: 'Put all files of the model into one folder.',
    cause,
  });
}
