import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import type { Platform } from '../../oci/schema.ts';
import type { TarEntry } from '../../tar/tar-entry.ts';
import { treeEntry } from '../file-entry.ts';
import { mapInSlices } from '../in-slices.ts';
import { NATIVE_FOLDER } from './native-folder.ts';
import type { Program } from './program.ts';
import { runtimePath } from './project.ts';
import { traceRuntime } from './trace.ts';

/** The platforms that onnxruntime-node has libraries for, in its own words. */
const NATIVE_NAMES: Readonly<Record<string, string>> = {
  'linux/amd64': 'linux/x64',
  'linux/arm64': 'linux/arm64',
};

/**
 * The runtime layer: a program with the production dependencies that it loads, and where it runs ONNX models the
 * native library of one platform. Which machine it is made on, and where infless is installed there, makes no difference.
 *
 * @throws InflessError INVALID_INPUT for a platform without native library
 */
export async function runtimeEntries(
  program: Program,
  platform: Platform,
  signal?: AbortSignal,
): Promise<readonly TarEntry[]> {
  const traced = await traceRuntime(program, signal);
  const onnx = traced.find((file) => file.endsWith(join('onnxruntime-node', 'package.json')));
  const files = [...traced, ...(onnx === undefined ? [] : await nativeFiles(onnx, platform))];
  return mapInSlices(files, (file) => treeEntry(runtimePath(file), file));
}

/**
 * Native library files of the ONNX runtime for a platform.
 *
 * @param manifest the package.json of onnxruntime-node, by which its files are named
 */
export async function nativeFiles(manifest: string, platform: Platform): Promise<readonly string[]> {
  const { folder, names } = await nativeLibraries(manifest, platform);
  // Providers for GPUs are fetched by an install script on some machines: 100s of MB that CPUs have no use for.
  return names.filter((file) => !file.includes('_providers_')).map((file) => join(folder, file));
}

/**
 * The folder of the ONNX runtime's libraries for a platform, with all that lies in it.
 *
 * @throws InflessError INVALID_INPUT for a platform without any, PLATFORM_FAILED
 */
export async function nativeLibraries(
  manifest: string,
  platform: Platform,
): Promise<{ readonly folder: string; readonly names: readonly string[] }> {
  const name = `${platform.os}/${platform.architecture}`;
  const native = NATIVE_NAMES[name];
  if (native === undefined) {
    throw new InflessError('INVALID_INPUT', `There is no ONNX runtime for platform ${name}`, {
      remedy: `Choose among ${Object.keys(NATIVE_NAMES).join(', ')}.`,
    });
  }
  const folder = await nativeFolder(manifest, native);
  const names = await readdir(folder).catch((error: unknown) => {
    throw new InflessError('PLATFORM_FAILED', `onnxruntime-node has no ${folder}`, {
      remedy: 'Install infless again with all its files.',
      cause: error,
    });
  });
  return { folder, names };
}

async function nativeFolder(manifest: string, native: string): Promise<string> {
  const bin = join(dirname(dirname(manifest)), NATIVE_FOLDER);
  const [abi] = (await readdir(bin))
    .filter((name) => name.startsWith('napi-'))
    .sort()
    .reverse();
  return join(bin, abi ?? '', native);
}
