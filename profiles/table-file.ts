import { InflessError, messageOf, systemCode } from '../models/base/errors.ts';
import { readTextIfPresent } from '../models/base/files.ts';
import { parseJson, parseWith } from '../models/base/schema.ts';
import { PROFILE_SCHEMA, type ProfileTable, profileTableSchema } from './table.ts';

const MEASURE_AGAIN = 'Measure the model again with infless-profile.';

/**
 * Reads and validates one table.
 *
 * @throws InflessError PROFILE_NOT_FOUND, PROFILE_INVALID
 */
export async function readTable(file: string): Promise<ProfileTable> {
  const text = await readTableText(file);
  if (text === undefined) {
    throw new InflessError('PROFILE_NOT_FOUND', `Profile table ${file} does not exist`, {
      remedy: 'Check the path, or measure the model with infless-profile.',
    });
  }
  return parseTable(text, `Profile table ${file}`);
}

/**
 * The text of a table's file, undefined where there is none.
 *
 * @throws InflessError PROFILE_INVALID where it cannot be read
 */
export async function readTableText(file: string): Promise<string | undefined> {
  try {
    return await readTextIfPresent(file);
  } catch (error) {
    throw new InflessError(
      'PROFILE_INVALID',
      `Profile table ${file} cannot be read (${systemCode(error) ?? messageOf(error)})`,
      { remedy: 'Check that it is a file and its permissions.', cause: error },
    );
  }
}

/**
 * A table from its text.
 *
 * @param what begins sentences about it: `Profile table mnist.json`
 * @throws InflessError PROFILE_INVALID
 */
export function parseTable(text: string, what: string, remedy = MEASURE_AGAIN): ProfileTable {
  const boundary = { what, code: 'PROFILE_INVALID', remedy } as const;
  const data = parseJson(text, { ...boundary, isPrivate: true });
  const newer = newerSchema(data);
  if (newer !== undefined) {
    throw new InflessError('PROFILE_INVALID', `${what} has the schema ${newer}, newer than this infless`, {
      remedy: `Upgrade infless, or measure the model again with this version (${PROFILE_SCHEMA}).`,
    });
  }
  return parseWith(profileTableSchema, data, boundary);
}

/** The schema's name when it is ours but of a version this program does not know. */
function newerSchema(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('schema' in data)) return undefined;
  const version = versionOf(data.schema);
  return version > versionOf(PROFILE_SCHEMA) ? String(data.schema) : undefined;
}

function versionOf(schema: unknown): number {
  const match = /^infless\.io\/profile\/v(\d+)$/.exec(String(schema));
  return match === null ? 0 : Number(match[1]);
}
