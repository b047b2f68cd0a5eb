import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { cudaMajorOfProvider } from './provider-library.ts';

/**
 * Folders with CUDA's libraries, or `nvidia` folders of Python's site-packages, before all others; as PATH is
 * written.
 */
export const CUDA_LIBRARIES_VARIABLE = 'INFLESS_CUDA_LIBRARIES';

const LOADER_PATH = 'LD_LIBRARY_PATH';
/** Of CUDA's toolkit, and of what the container toolkit mounts. */
const USUAL_FOLDERS = ['/usr/local/cuda/lib64', '/usr/local/nvidia/lib64', '/usr/local/nvidia/lib'];
const IS_CUDA_LIBRARY =
  /^lib(cublas|cublasLt|cudart|cudnn\w*|cufft|curand|nvrtc|nvJitLink|nvinfer)\.so\.\d+$/;

/**
 * What a process needs in its environment to find CUDA's libraries: the loader reads its path once, when the
 * process starts. What the loader's path holds already stays first.
 */
export function cudaEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return {};
  const given = split(environment[LOADER_PATH]);
  const found = cudaLibraryFolders(environment).filter((folder) => !given.includes(folder));
  return found.length === 0 ? {} : { [LOADER_PATH]: [...given, ...found].join(delimiter) };
}

/**
 * Folders in which libraries of CUDA lie: those that the user names, those of Python's wheels
 * (`site-packages/nvidia/cu13/lib`, `…/nvidia/cudnn/lib`, before CUDA 13 `…/nvidia/cublas/lib` and so on),
 * then the usual ones of the system.
 *
 * @param cudaMajor that is needed: an installation that has its runtime comes before the others, with all
 * that it has. Some libraries, cuDNN among them, bear the same name whatever CUDA they were built for.
 */
export function cudaLibraryFolders(
  environment: NodeJS.ProcessEnv = process.env,
  cudaMajor: number | undefined = cudaMajorOfProvider(),
): readonly string[] {
  const named = split(environment[CUDA_LIBRARIES_VARIABLE]).flatMap(foldersBelow);
  const installations = sitePackages(environment).map((folder) => wheelFolders(join(folder, 'nvidia')));
  const fits = (folders: readonly string[]): boolean =>
    folders.some((folder) => namesIn(folder).includes(`libcudart.so.${cudaMajor}`));
  const wheels = [...installations.filter(fits), ...installations.filter((folders) => !fits(folders))];
  return [...new Set([...named, ...wheels.flat(), ...USUAL_FOLDERS])].filter(holdsCuda);
}

/**
 * Those that hold libraries of CUDA among a folder and, where it is a `site-packages` or its `nvidia`, the
 * folders of the wheels.
 */
export function cudaFoldersIn(folder: string): readonly string[] {
  return foldersBelow(folder).filter(holdsCuda);
}

/** The libraries in such folders, by name, with where they lie. */
export function cudaLibraries(environment: NodeJS.ProcessEnv = process.env): ReadonlyMap<string, string> {
  const folders = [...split(environment[LOADER_PATH]), ...cudaLibraryFolders(environment)];
  return new Map(
    folders
      .reverse() // the first one wins
      .flatMap((folder) => namesIn(folder).map((name) => [name, folder] as const))
      .filter(([name]) => IS_CUDA_LIBRARY.test(name)),
  );
}

function foldersBelow(folder: string): string[] {
  return [folder, ...wheelFolders(folder), ...wheelFolders(join(folder, 'nvidia'))];
}

function wheelFolders(nvidia: string): string[] {
  return namesIn(nvidia).map((name) => join(nvidia, name, 'lib'));
}

function holdsCuda(folder: string): boolean {
  return namesIn(folder).some((name) => IS_CUDA_LIBRARY.test(name));
}

/**
 * Of the Python that is active, of those on the path, of the user and of the system, then of environments in
 * their usual places: found without starting any.
 */
function sitePackages(environment: NodeJS.ProcessEnv): string[] {
  const active = [environment.VIRTUAL_ENV, environment.CONDA_PREFIX].filter((prefix) => prefix !== undefined);
  const onPath = split(environment.PATH)
    .filter((folder) => existsSync(join(folder, 'python3')))
    .map((folder) => dirname(folder));
  const home = environment.HOME ?? homedir();
  const prefixes = [
    ...active,
    ...onPath,
    join(home, '.local'),
    '/usr/local',
    '/usr',
    ...[home, '/opt'].flatMap(environmentsIn),
  ];
  return [...split(environment.PYTHONPATH), ...[...new Set(prefixes)].flatMap(sitePackagesOf)];
}

/** `/opt/conda`, `/opt/project/.venv`. */
function environmentsIn(folder: string): string[] {
  const children = namesIn(folder).map((name) => join(folder, name));
  return [...children, ...children.flatMap((child) => ['.venv', 'venv'].map((name) => join(child, name)))];
}

function sitePackagesOf(prefix: string): string[] {
  const lib = join(prefix, 'lib');
  return namesIn(lib)
    .filter((name) => /^python3(\.\d+)?$/.test(name))
    .flatMap((python) => ['site-packages', 'dist-packages'].map((name) => join(lib, python, name)));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // is not there, or not ours to read
  }
}

function split(list: string | undefined): string[] {
  return (list ?? '').split(delimiter).filter((folder) => folder !== '');
}
