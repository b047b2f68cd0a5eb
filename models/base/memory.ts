import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { InflessError } from './errors.ts';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from './files.ts';

/** What tells a file from its former self, undefined where there is none. Reads nothing of its content. */
export async function fileIdentity(path: string): Promise<string | undefined> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  if (status === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = status;
  return [path, dev, ino, size, mtimeNs, ctimeNs].join('\n');
}

/**
 * A value that takes long to find, remembered between processes. A damaged memory is as good as none, and
 * where the cache cannot be written, every process finds the value for itself.
 *
 * @param shelf a folder of the cache, one for each kind of value
 * @param key everything that the value depends on
 */
export async function remembered<S extends z.ZodType>(
  shelf: string,
  key: readonly unknown[],
  schema: S,
  find: () => Promise<z.output<S>>,
): Promise<z.output<S>> {
  const name = createHash('sha256').update(key.join('\n')).digest('hex');
  const file = join(cacheDirectory(), shelf, `${name}.json`);
  const known = await recall(file, schema);
  if (known !== undefined) return known;
  const value = await find();
  await remember(file, value);
  return value;
}

async function recall<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S> | undefined> {
  const text = await readTextIfPresent(file).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function remember(file: string, value: unknown): Promise<void> {
  try {
    await writeFileSafely(file, JSON.stringify(value));
  } catch (error) {
    if (!(error instanceof InflessError)) throw error;
  }
}
