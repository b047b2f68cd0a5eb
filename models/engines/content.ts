import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InflessError, systemCode } from '../base/errors.ts';
import { digestFile } from '../base/files.ts';
import type { ModelFormat } from '../manifest/manifest.ts';
import { readModelJson, shardsOf } from './tfjs/model-json.ts';

/**
 * The files that a model's digest and size are about, relative to its folder and in order: the file it is opened by and, of a TF.js
 * model, the shards of its weights.
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT
 */
export async function contentOf(path: string, format: ModelFormat): Promise<readonly string[]> {
  if (format === 'onnx') return [basename(path)];
  return [...new Set([basename(path), ...shardsOf(await readModelJson(path))])].sort();
}

/**
 * What tells a model from every other one. Of one file it is that file's SHA-256; of several, that of their list as
 * `sha256sum` prints it, in the order of their names.
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT
 */
export async function digestModel(path: string, format: ModelFormat): Promise<`sha256:${string}`> {
  if (format === 'onnx') return digestFile(path);
  const list = createHash('sha256');
  for (const name of await contentOf(path, format)) {
    await sizeOfPart(path, name); // tells in one sentence what is missing
    const digest = await digestFile(join(dirname(path), name));
    list.update(`${digest.slice('sha256:'.length)}  ${name}\n`);
  }
  return `sha256:${list.digest('hex')}`;
}

/** Of all its files. @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT */
export async function sizeOfModel(path: string, format: ModelFormat): Promise<number> {
  const names = await contentOf(path, format);
  const sizes = await Promise.all(names.map((name) => sizeOfPart(path, name)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function sizeOfPart(path: string, name: string): Promise<number> {
  const file = join(dirname(path), name);
  const fail = (why: string, cause?: unknown): InflessError =>
    name === basename(path)
      ? new InflessError('MODEL_NOT_FOUND', `Model file ${path} ${why}`, { cause })
      : new InflessError('MODEL_CORRUPT', `Weights file ${file} of ${path} ${why}`, {
          remedy: 'Put all files of the model into one folder.',
          cause,
        });
  const status = await stat(file).catch((error: unknown) => {
    throw fail(
      systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${systemCode(error)})`,
      error,
    );
  });
  if (!status.isFile()) throw fail('is no file');
  return status.size;
}
