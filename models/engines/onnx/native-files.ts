import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InflessError } from '../../base/errors.ts';
import type { NativeLibraries } from '../image-runtime.ts';
import { CUDA_FILES } from './providers/provider-files.ts';

const FOLDER = 'onnxruntime-node/bin/';

/** The platforms that onnxruntime-node has libraries for, in its own words. */
const PLATFORMS: Readonly<Record<string, string>> = {
  'linux/amd64': 'linux/x64',
  'linux/arm64': 'linux/arm64',
};

/** The binding and the library of onnxruntime-node. */
export const ONNX_LIBRARIES: NativeLibraries = {
  package: 'onnxruntime-node',
  folder: FOLDER,
  cuda: CUDA_FILES,
  files: async (manifest, { os, architecture }) => {
    const name = `${os}/${architecture}`;
    const native = PLATFORMS[name];
    if (native === undefined) {
      throw new InflessError('INVALID_INPUT', `There is no ONNX runtime for platform ${name}`, {
        remedy: `Choose among ${Object.keys(PLATFORMS).join(', ')}.`,
      });
    }
    const folder = await nativeFolder(manifest, native);
    const names = await readdir(folder).catch((error: unknown) => {
      throw new InflessError('PLATFORM_FAILED', `onnxruntime-node has no ${folder}`, {
        remedy: 'Install infless again with all its files.',
        cause: error,
      });
    });
    // Providers for GPUs are fetched by an install script on some machines: 100s of MB that CPUs have no use
    // for.
    return names.filter((file) => !file.includes('_providers_')).map((file) => join(folder, file));
  },
};

async function nativeFolder(manifest: string, native: string): Promise<string> {
  const bin = join(dirname(dirname(manifest)), FOLDER);
  const [abi] = (await readdir(bin))
    .filter((name) => name.startsWith('napi-'))
    .sort()
    .reverse();
  return join(bin, abi ?? '', native);
}
