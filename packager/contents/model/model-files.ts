import { dirname } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import { staysInside } from '../../../models/base/files.ts';
import { contentOf, type ModelContent, partOf } from '../../../models/engines/content.ts';
import { engineOf } from '../../../models/engines/index.ts';

/**
 * What goes into the image of a model: its files, and whatever else was asked for.
 *
 * @param path the file that the model is opened by
 * @param include more files that must lie beside it, relative to its folder (labels, a vocabulary)
 * @throws InflessError MODEL_CORRUPT where weights are missing or lie outside the model's folder,
 * INVALID_INPUT for an `include` that is no file
 */
export async function modelFiles(path: string, include: readonly string[] = []): Promise<ModelContent> {
  const { entry, parts } = await contentOf(engineOf(path), path);
  const folder = dirname(entry.file);
  const byName = new Map(parts.map((part) => [part.name, part]));
  for (const name of include) {
    if (!staysInside(name)) throw notIncluded(name, `is not below the model's folder ${folder}`);
    const part = await partOf(folder, name, (why) => notIncluded(name, `${why} in ${folder}`));
    byName.set(part.name, part);
  }
  return { entry, parts: [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function notIncluded(name: string, why: string): InflessError {
  return new InflessError('INVALID_INPUT', `File ${name} to include ${why}`, {
    remedy: "Name files by their path relative to the model's folder.",
  });
}
