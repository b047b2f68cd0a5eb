import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import type { CudaFiles, NativeLibraries } from '../../../models/engines/image-runtime.ts';
import { engineFor } from '../../../models/engines/index.ts';
import type { LayerBlob } from '../../layers/compressed-layer.ts';
import type { ImageConfig, Platform } from '../../oci/schema.ts';
import { SERVER_ENVIRONMENT } from '../../server/instance-protocol.ts';
import { hostBase, hostPlatform, NODE_PATH } from '../base/host-base.ts';
import { findNodeCommand } from '../base/node-command.ts';
import { fileEntry } from '../file-entry.ts';
import { type Base, buildPlan } from '../image.ts';
import type { LayerPlan } from '../model/model-entries.ts';
import { loaderFolders, type NeededLibrary, neededLibraries } from '../runtime/needed-libraries.ts';
import type { Program } from '../runtime/program.ts';
import { runtimePath } from '../runtime/project.ts';
import { fileOfPackage, traceRuntime } from '../runtime/trace.ts';
import { ImageLibraries } from './image-libraries.ts';
import { withoutLibraries } from './missing-libraries.ts';

/** Where libraries lie that the base is without. */
const CUDA_FOLDER = 'opt/infless/cuda';
const LOADER_PATH = 'LD_LIBRARY_PATH';
/** As with weights: what is large is a layer of its own. */
const OWN_LAYER_BYTES = 32 << 20;

/** What a library opens from beside it, under names that change between its versions. */
const COMPANIONS: readonly (readonly [library: RegExp, companion: RegExp])[] = [
  [/^libcudnn\.so\.\d+$/, /^libcudnn_\w+\.so\.\d+$/],
  [/^libnvrtc\.so\.\d+$/, /^libnvrtc-builtins\.so\.[\d.]+$/],
];

export interface CudaOptions {
  /** Folders with CUDA's libraries, or `site-packages`: what the base is without is taken from there. */
  readonly libraries: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** What makes an image of one that computes on NVIDIA GPUs. */
export interface CudaParts {
  /** Below the runtime, the lowest first: they change with CUDA alone. */
  readonly below: readonly LayerBlob[];
  /** Above the runtime: it changes with it. */
  readonly provider: LayerBlob;
  /** How Node.js is started, where the base has none. */
  readonly node: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Libraries that were added, by their names. */
  readonly libraries: readonly string[];
}

/**
 * The CUDA provider for an image, with all that it needs: what the base has is used, what is missing is taken
 * from folders of this machine. Which libraries need which is read from their files; the driver's own come
 * with the machine that runs the image.
 *
 * @param config of the base
 * @throws InflessError INVALID_INPUT naming the libraries that are missing in the end, with what has them,
 * MODEL_UNSUPPORTED for a format whose engine has no such provider, and as {@link CudaFiles.files}
 */
export async function cudaParts(
  base: Base,
  config: ImageConfig,
  platform: Platform,
  program: Program,
  { libraries: named, signal }: CudaOptions,
): Promise<CudaParts> {
  const { cuda, ...libraries } = cudaLibrariesOf(program);
  const traced = await traceRuntime(program, signal);
  const folders = await foldersOf(named, cuda);
  const native = await libraries.files(fileOfPackage(traced, `${libraries.package}/package.json`), platform);
  const inImage = (file: string): string => join(dirname(runtimePath(native[0]!)), basename(file));
  // It is looked for beside the runtime's own library alone, wherever it comes from.
  const providerFiles = await cuda.files(dirname(native[0]!), platform, named);
  const image = new ImageLibraries();
  for (const layer of base.image.layers) await image.addLayer(layer, base.name, signal);
  const roots = new Map([...native, ...providerFiles].map((file) => [inImage(file), file]));
  const node =
    findNodeCommand(config, base.name) === undefined ? await ownNode(platform, base.name) : undefined;
  if (node !== undefined) roots.set(NODE_PATH, node);
  for (const [path, file] of roots) await image.addFile(path, file);

  const basePath = variableOf(config, LOADER_PATH);
  const search = [...basePath, `/${CUDA_FOLDER}`, ...image.loaderFolders];
  const added = new Map<string, string>();
  // A base that is made of this machine may have more of it.
  const more = base.name === hostBase.name ? await loaderFolders() : [];
  const missing = await complete(image, [...roots.keys()], search, [...folders, ...more], added);
  if (missing.length > 0) throw withoutLibraries(base.name, missing, image.names, folders);

  const below: LayerBlob[] = node === undefined ? [] : [await buildPlan(await nodePlan(node), true, signal)];
  // As weights: they are large, shrink little, and are read from where they lie.
  for (const plan of await libraryPlans(added)) below.push(await buildPlan(plan, false, signal));
  return {
    below,
    provider: await buildPlan(
      {
        title: 'CUDA provider of the ONNX runtime',
        entries: await Promise.all(providerFiles.map((file) => fileEntry(inImage(file), file))),
      },
      false,
      signal,
    ),
    node: node === undefined ? undefined : [`/${NODE_PATH}`],
    environment: {
      ...(added.size === 0 ? {} : { [LOADER_PATH]: [...basePath, `/${CUDA_FOLDER}`].join(':') }),
      // What of the driver a container gets; which GPUs, whoever runs it says (`--gpus`, a Kubernetes
      // resource).
      NVIDIA_DRIVER_CAPABILITIES: 'compute,utility',
      [SERVER_ENVIRONMENT.provider]: 'cuda',
      [SERVER_ENVIRONMENT.gpuPercent]: '100',
    },
    libraries: [...added.keys()].sort(),
  };
}

/**
 * Adds from folders what is missing, until nothing more is found there.
 *
 * @param added by name, from where: filled
 * @returns what is missing then
 */
async function complete(
  image: ImageLibraries,
  roots: readonly string[],
  search: readonly string[],
  folders: readonly string[],
  added: Map<string, string>,
): Promise<readonly NeededLibrary[]> {
  for (;;) {
    const files = [...roots, ...[...added.keys()].map((name) => `${CUDA_FOLDER}/${name}`)];
    const needed = await neededLibraries(files, search, image);
    const missing = needed.filter(({ path, isOfDriver }) => path === undefined && !isOfDriver);
    const found = await findAll(
      missing.map(({ name }) => name),
      folders,
    );
    if (found.size === 0) return missing;
    for (const [name, file] of found) {
      added.set(name, file);
      await image.addFile(`${CUDA_FOLDER}/${name}`, file);
    }
  }
}

/** Libraries in folders, by name, each with those that it opens from beside it. */
async function findAll(
  names: readonly string[],
  folders: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    const there = await readdir(folder).catch((): string[] => []);
    for (const name of names.filter((each) => !found.has(each) && there.includes(each))) {
      found.set(name, join(folder, name));
      const companion = COMPANIONS.find(([library]) => library.test(name))?.[1];
      for (const beside of there) if (companion?.test(beside)) found.set(beside, join(folder, beside));
    }
  }
  return found;
}

/**
 * Folders of libraries below those that are named.
 *
 * @throws InflessError INVALID_INPUT for one that has nothing to do with CUDA
 */
async function foldersOf(named: readonly string[], cuda: CudaFiles): Promise<readonly string[]> {
  const all: string[] = [];
  for (const folder of named) {
    const folders = cuda.foldersIn(folder);
    if (folders.length === 0 && !(await cuda.isIn(folder))) {
      throw new InflessError('INVALID_INPUT', `There are no libraries of CUDA in ${folder}`, {
        remedy: 'Name a folder of libraries, or the one that pip has installed them into.',
      });
    }
    all.push(...folders);
  }
  return all;
}

async function libraryPlans(added: ReadonlyMap<string, string>): Promise<readonly LayerPlan[]> {
  const names = [...added.keys()].sort();
  const entries = await Promise.all(
    names.map((name) => fileEntry(`${CUDA_FOLDER}/${name}`, added.get(name)!)),
  );
  const small = entries.filter(({ sizeBytes }) => sizeBytes < OWN_LAYER_BYTES);
  const large = entries.filter((entry) => !small.includes(entry));
  return [
    ...large.map((entry) => ({ title: `CUDA library ${basename(entry.path)}`, entries: [entry] })),
    ...(small.length === 0 ? [] : [{ title: `${small.length} CUDA libraries`, entries: small }]),
  ];
}

async function nodePlan(node: string): Promise<LayerPlan> {
  return { title: `Node.js ${process.version}`, entries: [await fileEntry(NODE_PATH, node)] };
}

/**
 * CUDA's own images are without Node.js: this machine's runs there, where the image has the libraries that it
 * needs.
 */
async function ownNode(platform: Platform, base: string): Promise<string> {
  const host = hostPlatform();
  if (host.os === platform.os && host.architecture === platform.architecture)
    return realpath(process.execPath);
  throw new InflessError(
    'INVALID_INPUT',
    `Base ${base} has no Node.js, and that of ${host.os}/${host.architecture} does not run there`,
    {
      remedy: 'Pack on a Linux machine of that platform, or choose a base with Node.js and --cuda-libraries.',
    },
  );
}

/** @throws InflessError MODEL_UNSUPPORTED */
function cudaLibrariesOf({ formats }: Program): NativeLibraries & { readonly cuda: CudaFiles } {
  for (const format of formats) {
    const { native } = engineFor(format).runtime;
    if (native?.cuda !== undefined) return { ...native, cuda: native.cuda };
  }
  throw new InflessError('MODEL_UNSUPPORTED', `Models of the format ${formats} are not packed for GPUs`, {
    remedy: 'Their engine runs on CPUs in images: convert the model to ONNX, or leave --accelerator out.',
  });
}

function variableOf({ config }: ImageConfig, name: string): string[] {
  const line = config?.Env?.find((each) => each.startsWith(`${name}=`)) ?? '';
  return line
    .slice(name.length + 1)
    .split(':')
    .filter((folder) => folder !== '');
}
