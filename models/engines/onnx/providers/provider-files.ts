import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InflessError } from '../../../base/errors.ts';
import type { CudaFiles, TargetPlatform } from '../../image-runtime.ts';
import { runtimeVersion } from '../runtime.ts';
import { cudaFoldersIn } from './cuda-libraries.ts';

const CUDA_PROVIDER = 'libonnxruntime_providers_cuda.so';
/** What the runtime opens first, and the provider with it. */
const SHARED = 'libonnxruntime_providers_shared.so';
const FILES: readonly string[] = [CUDA_PROVIDER, SHARED];

/** Where the wheel has them, below the folder that pip installs into. */
const WHEEL_FOLDER = join('onnxruntime', 'capi');

/** The files of ONNX Runtime's CUDA provider. */
export const CUDA_FILES: CudaFiles = {
  programs: ['models/engines/onnx/providers/trial-process'],
  foldersIn: cudaFoldersIn,
  isIn: async (folder) => (await providerFolder(folder)) !== undefined,
  files: providerFiles,
};

/** The folder itself, or what pip has installed into it; undefined where neither has the provider. */
async function providerFolder(folder: string): Promise<string | undefined> {
  for (const each of [folder, join(folder, WHEEL_FOLDER)]) {
    const names = await readdir(each).catch((): string[] => []);
    if (FILES.every((name) => names.includes(name))) return each;
  }
  return undefined;
}

/** See {@link CudaFiles.files}. */
async function providerFiles(
  own: string,
  platform: TargetPlatform,
  folders: readonly string[],
): Promise<readonly string[]> {
  if (platform.os !== 'linux' || platform.architecture !== 'amd64') {
    throw new InflessError(
      'INVALID_INPUT',
      `There is no CUDA provider of ONNX Runtime for platform ${platform.os}/${platform.architecture}`,
      { remedy: 'Pack for --platform linux/amd64, or without --accelerator.' },
    );
  }
  const [name, version] = runtimeVersion().split(' ') as [string, string];
  const install = `pip install --no-deps --target cuda onnxruntime-gpu==${version}, and --cuda-libraries cuda`;
  const found = (await Promise.all([own, ...folders].map(providerFolder))).find((each) => each !== undefined);
  if (found === undefined) {
    throw new InflessError('ACCELERATOR_UNAVAILABLE', `${name} ${version} has no CUDA provider here`, {
      remedy: `Get it: ${install}.`,
    });
  }
  const provider = join(found, CUDA_PROVIDER);
  if (!(await contains(provider, `\0${version}\0`))) {
    throw new InflessError(
      'ACCELERATOR_UNAVAILABLE',
      `${provider} is of another version than ${name} ${version}, which would not load it`,
      { remedy: `Get the one of that version: ${install}.` },
    );
  }
  return FILES.map((file) => join(found, file));
}

/** Its version is among the texts of a provider's file. */
async function contains(file: string, text: string): Promise<boolean> {
  const wanted = Buffer.from(text, 'latin1');
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 4 << 20 })) {
    const seen = Buffer.concat([tail, chunk as Buffer]);
    if (seen.includes(wanted)) return true;
    tail = seen.subarray(Math.max(0, seen.length - wanted.length + 1));
  }
  return false;
}
