import { engineFor } from '../../../models/engines/index.ts';
import type { Platform } from '../../oci/schema.ts';
import type { TarEntry } from '../../tar/tar-entry.ts';
import { treeEntry } from '../file-entry.ts';
import { mapInSlices } from '../in-slices.ts';
import type { Program } from './program.ts';
import { runtimePath } from './project.ts';
import { fileOfPackage, traceRuntime } from './trace.ts';

/**
 * The runtime layer: a program with the production dependencies that it loads, and of the engines of its
 * formats the native libraries of one platform. Which machine it is made on, and where infless is installed
 * there, makes no difference.
 *
 * @throws InflessError INVALID_INPUT for a platform without native libraries
 */
export async function runtimeEntries(
  program: Program,
  platform: Platform,
  signal?: AbortSignal,
): Promise<readonly TarEntry[]> {
  const traced = await traceRuntime(program, signal);
  const files = [...traced];
  for (const format of program.formats) {
    const { native } = engineFor(format).runtime;
    if (native === undefined) continue;
    files.push(...(await native.files(fileOfPackage(traced, `${native.package}/package.json`), platform)));
  }
  return mapInSlices(files, (file) => treeEntry(runtimePath(file), file));
}
