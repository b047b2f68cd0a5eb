import { sep } from 'node:path';
import { packageRoot } from '../../../models/base/package.ts';
import type { Program } from './program.ts';
import { traceRuntime } from './trace.ts';

/** The folders of the npm packages that a program loads files of: ours first. */
export async function runtimePackages(program: Program): Promise<readonly string[]> {
  const folders = (await traceRuntime(program)).map(packageFolder);
  return [...new Set([packageRoot, ...folders])];
}

/** The package of a file is named after the last `node_modules` in its path; our own files may have none. */
function packageFolder(file: string): string {
  const isBelowUs = file.startsWith(packageRoot + sep);
  if (isBelowUs && !file.slice(packageRoot.length).includes('node_modules')) return packageRoot;
  const parts = file.split(sep);
  const nameAt = parts.lastIndexOf('node_modules') + 1;
  return parts.slice(0, nameAt + (parts[nameAt]!.startsWith('@') ? 2 : 1)).join(sep);
}
