import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isOfDriver, OPENED_LATER, packageOf } from './cuda-packages.ts';
import { readElf } from './elf.ts';

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

/**
 * All libraries that files need, and those that these need in turn, found as the loader would find them: in
 * the folders that each file names itself, then in those given. Nothing is run.
 *
 * @param files programs or libraries
 * @param folders the search path
 * @throws InflessError INVALID_INPUT for a file that is no ELF file
 */
export async function neededLibraries(
  files: readonly string[],
  folders: readonly string[],
): Promise<readonly NeededLibrary[]> {
  const found = new Map<string, { path: string | undefined; neededBy: Set<string> }>();
  const queue = [...files];
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const { needed, searchPath } = await readElf(file);
    const own = searchPath.map((folder) => folder.replaceAll(/\$(?:ORIGIN|\{ORIGIN\})/g, dirname(file)));
    const later = OPENED_LATER[basename(file)] ?? [];
    for (const name of [...needed, ...later]) {
      const known = found.get(name);
      if (known !== undefined) {
        known.neededBy.add(basename(file));
        continue;
      }
      // A file that was named beforehand is there: it brings the name along.
      const path =
        files.find((given) => basename(given) === name) ?? (await findIn([...own, ...folders], name));
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

async function findIn(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    if (
      await stat(path).then(
        (stats) => stats.isFile(),
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/** Where glibc looks without being told. */
const USUAL_FOLDERS = [
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
  const set = texts
    .flatMap((text) => text.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line.startsWith('/'));
  return [...new Set([...given, ...set, ...USUAL_FOLDERS])];
}
