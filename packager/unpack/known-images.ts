import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { InflessError } from '../../models/base/errors.ts';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from '../../models/base/files.ts';
import { readTable, type StoredTable } from '../../profiles/store.ts';
import { digestOf } from '../oci/blob.ts';

const recordSchema = z.object({
  path: z.string(),
  manifestFile: z.string(),
  profileFile: z.string().nullable(),
});

/** Remembers what an image's name stood for when its registry last answered. */
export function rememberImage(name: string, model: UnpackedModel): Promise<void> {
  const { path, manifestFile, profile } = model;
  const record: z.input<typeof recordSchema> = { path, manifestFile, profileFile: profile?.file ?? null };
  return writeFileSafely(recordOf(name), JSON.stringify(record));
}

/** What {@link rememberImage} was told, as far as it is still of use. */
export async function recallImage(name: string): Promise<UnpackedModel | undefined> {
  try {
    const text = await readTextIfPresent(recordOf(name));
    if (text === undefined) return undefined;
    const { path, manifestFile, profileFile: file } = recordSchema.parse(JSON.parse(text));
    await Promise.all([access(path), access(manifestFile)]);
    const profile = file === null ? undefined : { file, table: await readTable(file) };
    return { path, manifestFile, profile };
  } catch {
    return undefined; // a damaged memory, or one of files that have gone, is as good as none
  }
}

function recordOf(name: string): string {
  return join(cacheDirectory(), 'images', 'by-name', `${digestOf(name).slice('sha256:'.length)}.json`);
}

/** A model out of an image, in the cache with what the image says of it. */
export interface UnpackedModel {
  /** The file that a runtime opens; its folder is named by its content. */
  readonly path: string;
  /** What the model is, so that no one has to run it to find out. */
  readonly manifestFile: string;
  /** The image's own table, where it has one. */
  readonly profile: StoredTable | undefined;
  /** Why the registry could not be asked: then this is what the name stood for when it last could. */
  readonly failure?: InflessError;
}
