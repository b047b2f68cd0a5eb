import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InflessError } from '../models/base/errors.ts';
import { cacheDirectory, writeFileSafely } from '../models/base/files.ts';
import { packageRoot } from '../models/base/package.ts';
import { axesKey } from '../models/manifest/batch-axis.ts';
import type { ModelManifest } from '../models/manifest/manifest.ts';
import { whyDue } from './conditions/due.ts';
import { gradeOf, whyWorse } from './conditions/grade.ts';
import { type GivenShapes, guessedShapes, hasShapes, turnedInput } from './conditions/shapes.ts';
import { readHost, sameHost } from './host.ts';
import { type ProfileTable, profileTableSchema } from './table.ts';
import { parseTable, readTableText } from './table-file.ts';

export { readTable } from './table-file.ts';

export interface StoredTable {
  readonly file: string;
  readonly table: ProfileTable;
}

export interface FindOptions {
  /** Searched before the cache and the tables that come with the package. */
  readonly directories?: readonly string[];
  /** Tables measured with these sizes come first, given or guessed. */
  readonly shapes?: GivenShapes;
  /** Tables whose rows lie along the axes that this model has come before all others. */
  readonly rowsOf?: Pick<ModelManifest, 'inputs'>;
  /** Hears of tables of this model that cannot be used; by default a process warning. */
  readonly onUnusable?: (error: InflessError) => void;
}

/** Writes a table whole or not at all, by default into the cache. Returns the file. */
export async function saveTable(table: ProfileTable, file = `${cacheFileStem(table)}.json`): Promise<string> {
  // What could not be read back must not replace a table that can: JSON turns NaN and Infinity into null.
  profileTableSchema.parse(table);
  await writeFileSafely(file, `${JSON.stringify(table, null, 2)}\n`);
  return file;
}

/** What became of a table that was measured. */
export interface Kept {
  readonly file: string;
  /** Why the table that was there is still there, as a clause. */
  readonly why?: string;
}

/**
 * Writes a table into the cache, unless a better one of the same model, rows and conditions is there.
 *
 * @param replace writes it in any case
 */
export async function keepBetter(table: ProfileTable, replace = false): Promise<Kept> {
  const file = `${cacheFileStem(table)}.json`;
  const text = replace ? undefined : await readTableText(file).catch(() => undefined);
  const why = text === undefined ? undefined : whyWorseThan(text, table);
  return why === undefined ? { file: await saveTable(table, file) } : { file, why };
}

/** A table that cannot be read is none to keep. */
function whyWorseThan(text: string, table: ProfileTable): string | undefined {
  try {
    return whyWorse(table, parseTable(text, 'The table known'));
  } catch {
    return undefined;
  }
}

/** Where tables measured here are kept. */
export function profileDirectory(): string {
  return join(cacheDirectory(), 'profiles');
}

/**
 * The table for a model file: one whose rows lie along the axes asked for before any other, then one of the
 * sizes asked for, then one measured on a host like this, then one that is not due again, whose sizes were
 * not guessed, that is not poor, in this order; then by the order of the directories, then the newest. A
 * table of other sizes, or of another host, is still returned: compare with `hasShapes` and `sameHost`.
 *
 * @param digest `sha256:<hex>` of the model file
 */
export async function findTable(digest: string, options: FindOptions = {}): Promise<StoredTable | undefined> {
  const directories = [...(options.directories ?? []), profileDirectory(), join(packageRoot, 'profiles')];
  const perDirectory = await Promise.all(
    [...new Set(directories)].map((directory) => tablesOf(digest, directory, options.onUnusable ?? warn)),
  );
  const newestFirst = perDirectory.flatMap((tables) =>
    tables.sort((a, b) => Date.parse(b.table.createdAt) - Date.parse(a.table.createdAt)),
  );
  if (newestFirst.length === 0) return undefined;
  const host = await readHost();
  const { shapes = {}, rowsOf = { inputs: [] } } = options;
  const merits: readonly ((table: ProfileTable) => boolean)[] = [
    (table) => turnedInput(table, rowsOf) === undefined,
    (table) => hasShapes(table, shapes),
    (table) => sameHost(table.host, host),
    (table) => whyDue(table) === undefined,
    (table) => guessedShapes(table).length === 0,
    (table) => gradeOf(table).grade !== 'poor',
  ];
  return merits.reduce((left, has) => {
    const better = left.filter(({ table }) => has(table));
    return better.length > 0 ? better : left;
  }, newestFirst)[0];
}

async function tablesOf(
  digest: string,
  directory: string,
  onUnusable: (error: InflessError) => void,
): Promise<StoredTable[]> {
  const tables: StoredTable[] = [];
  for (const name of await jsonFiles(directory)) {
    const file = join(directory, name);
    try {
      const text = await readTableText(file);
      // Looking for the digest in the text spares parsing the tables of all other models.
      if (text?.includes(digest) !== true) continue;
      const table = parseTable(text, `Profile table ${file}`);
      if (table.model.digest === digest) tables.push({ file, table });
    } catch (error) {
      if (!(error instanceof InflessError)) throw error;
      onUnusable(error);
    }
  }
  return tables;
}

async function jsonFiles(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  } catch {
    return []; // a folder that is not there, or not ours to read, holds no table for us
  }
}

/**
 * Where a sweep's table is kept in the cache, without the end of the name: one for each size of rows, and for
 * axes that are given.
 */
export function cacheFileStem({ model, shapes }: Pick<ProfileTable, 'model' | 'shapes'>): string {
  const name = model.name.replace(/[^\w.-]+/g, '-'); // a name may hold what a file name may not
  const digest = model.digest.slice('sha256:'.length).slice(0, 12);
  const chosen = (shapes ?? []).filter(({ source }) => source !== 'model');
  const rows = chosen.length === 0 ? '' : `-${shortDigest(chosen.map(({ input, row }) => [input, row]))}`;
  const { given } = model.batching ?? {};
  const axes = given === undefined ? '' : `-along-${shortDigest(axesKey(given))}`;
  return join(profileDirectory(), `${name}-${digest}${rows}${axes}`);
}

function shortDigest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
}

function warn(error: InflessError): void {
  process.emitWarning(error.sentence);
}
