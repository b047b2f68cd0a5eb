import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runtimeVersion } from '../../../../models/engines/onnx/runtime.ts';
import { download } from '../download.ts';
import { pypiWheel } from '../registries.ts';
import { extractMembers } from '../zip.ts';
import type { SmVersion } from './fatbin.ts';
import { slimLibrary } from './slim-provider.ts';

const WHEEL = 'onnxruntime-gpu';
const FOLDER = 'onnxruntime/capi';
export const CUDA_PROVIDER = 'libonnxruntime_providers_cuda.so';
const SHARED = 'libonnxruntime_providers_shared.so';

export interface CudaProvider {
  /** Libraries by the names that they have beside the engine's own. */
  readonly files: ReadonlyMap<string, string>;
  /** Names what it was made of. */
  readonly key: string;
}

/**
 * The CUDA provider of the engine's own version, out of the wheel for Python: the npm package is without.
 * Python is not needed.
 *
 * @param folder where it is kept
 * @param kept see {@link slimLibrary}
 */
export async function cudaProvider(
  folder: string,
  kept?: readonly SmVersion[] | undefined,
): Promise<CudaProvider> {
  const version = runtimeVersion().split(' ')[1]!;
  const wheel = await download(
    await pypiWheel(WHEEL, (name) => {
      const isVersion = name.startsWith(`${WHEEL.replace('-', '_')}-${version}-cp3`);
      return isVersion && /manylinux.*_x86_64\.whl$/.test(name);
    }),
    folder,
  );
  const place = (name: string): string => join(folder, `${version}-${name}`);
  const members = [CUDA_PROVIDER, SHARED];
  if (!(await allThere(members.map(place)))) {
    await extractMembers(wheel, new Map(members.map((name) => [`${FOLDER}/${name}`, place(name)])));
  }
  const files = new Map(members.map((name) => [name, place(name)]));
  if (kept === undefined) return { files, key: `${version}-all` };
  const key = `${version}-sm_${kept.join('-')}`;
  const slim = join(folder, `${key}-${CUDA_PROVIDER}`);
  await slimLibrary(place(CUDA_PROVIDER), slim, kept);
  return { files: files.set(CUDA_PROVIDER, slim), key };
}

async function allThere(files: readonly string[]): Promise<boolean> {
  const found = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return found.every((stats) => stats !== undefined);
}
