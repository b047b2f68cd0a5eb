import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds our package.json, wherever this file runs from (sources or `dist/`). */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('package.json of infless not found above its own files');
  return findRoot(parent);
}

export const packageVersion: string = (
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;

/**
 * The compiled file of one of our programs, to be started as a process or worker of its own.
 *
 * @param path relative to the package root without extension, e.g. `packager/server/bin`
 */
export function programFile(path: string): string {
  return join(packageRoot, 'dist', `${path}.js`);
}
