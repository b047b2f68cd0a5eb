import { InflessError } from '../../../models/base/errors.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { findTable, readTable, type StoredTable } from '../../../profiles/store.ts';

/**
 * The table that goes into a model's image: the file given, else one found for the model's digest beside the
 * model, in the cache, or among those that come with infless.
 *
 * @param choice a file; false for no table; undefined for whatever is found
 * @throws InflessError PROFILE_NOT_FOUND, PROFILE_INVALID (also where the file given is of another model)
 */
export async function findProfile(
  model: ModelManifest,
  choice: string | false | undefined,
  folder: string | undefined,
): Promise<StoredTable | undefined> {
  if (choice === false) return undefined;
  if (choice === undefined) {
    return findTable(model.digest, {
      rowsOf: model,
      ...(folder === undefined ? {} : { directories: [folder] }),
    });
  }
  const table = await readTable(choice);
  if (table.model.digest !== model.digest) {
    throw new InflessError(
      'PROFILE_INVALID',
      `Profile table ${choice} is of another model (${table.model.name})`,
      {
        remedy: `Measure this one with infless-profile, or leave --profile out.`,
      },
    );
  }
  return { file: choice, table };
}
