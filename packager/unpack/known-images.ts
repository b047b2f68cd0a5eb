import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from '../../models/base/files.ts';
import { readTable } from '../../profiles/store.ts';
import { digestOf } from '../oci/blob.ts';
import type { UnpackedModel } from './unpacked-model.ts';

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
