import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cudaMajorOf, isOfDriver, openedLater, packageOf } from './cuda-packages.ts';
import { type ElfFile, readElf } from './elf.ts';

/** A library that others need, and where the loader would find it. */
export interface NeededLibrary {
  readonly name: string;
  /** The files that ask for it. */
  readonly neededBy: readonly string[];
  /** Undefined where it is missing. */
  readonly path: string | undefined;
  /** It comes with the driver of the machine that runs it. */
  readonly isOfDriver: boolean;
  /** The package of PyPI that has it, where that is known. */
  readonly package: string | undefined;
}

/** Taken where no library that is needed says otherwise. */
const NEWEST_CUDA = 13;

/** Where libraries are looked for: on this machine, or in an image. */
export interface LibraryFiles {
  has(path: string): Promise<boolean>;
  /** @throws InflessError INVALID_INPUT for what is no ELF file */
  read(path: string): Promise<ElfFile>;
}

const THIS_MACHINE: LibraryFiles = {
  has: (path) =>
    stat(path).then(
      (stats) => stats.isFile(),
      () => false,
    ),
  read: readElf,
};

/**
 * All libraries that files need, and those that these need in turn, found as the loader would find them: in
 * the folders that each file names itself, then in those given. Nothing is run.
 *
 * @param files programs or libraries
 * @param folders the search path
 * @param where they are; default: on this machine
 * @throws InflessError INVALID_INPUT for a file that is no ELF file
 */
export async function neededLibraries(
  files: readonly string[],
  folders: readonly string[],
  where: LibraryFiles = THIS_MACHINE,
): Promise<readonly NeededLibrary[]> {
  const found = new Map<string, { path: string | undefined; neededBy: Set<string> }>();
  const queue = [...files];
  let cuda = NEWEST_CUDA;
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const { needed, searchPath } = await where.read(file);
    const own = searchPath.map((folder) => folder.replaceAll(/\$(?:ORIGIN|\{ORIGIN\})/g, dirname(file)));
    cuda = needed.map(cudaMajorOf).find((major) => major !== undefined) ?? cuda;
    for (const name of [...needed, ...openedLater(basename(file), cuda)]) {
      const known = found.get(name);
      if (known !== undefined) {
        known.neededBy.add(basename(file));
        continue;
      }
      // A file that was named beforehand is there: it brings the name along.
      const path =
        files.find((given) => basename(given) === name) ?? (await findIn([...own, ...folders], name, where));
      found.set(name, { path, neededBy: new Set([basename(file)]) });
      if (path !== undefined && !files.includes(path)) queue.push(path);
    }
  }
  return [...found].map(([name, { path, neededBy }]) => ({
    name,
    neededBy: [...neededBy],
    path,
    isOfDriver: isOfDriver(name),
    package: packageOf(name),
  }));
}

async function findIn(
  folders: readonly string[],
  name: string,
  where: LibraryFiles,
): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    if (await where.has(path)) return path;
  }
  return undefined;
}

/** Where glibc looks without being told. */
export const USUAL_FOLDERS: readonly string[] = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];

/**
 * The folders in which the loader of this machine looks for libraries: those of the environment, of its
 * settings, and its own.
 */
export async function loaderFolders(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<readonly string[]> {
  const given = (environment.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const names = await readdir('/etc/ld.so.conf.d').catch(() => []);
  const files = ['/etc/ld.so.conf', ...names.sort().map((name) => join('/etc/ld.so.conf.d', name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return [...new Set([...given, ...texts.flatMap(foldersOfSettings), ...USUAL_FOLDERS])];
}

/** The folders that a file of the loader's settings (`/etc/ld.so.conf.d/*.conf`) names. */
export function foldersOfSettings(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('/'));
}
