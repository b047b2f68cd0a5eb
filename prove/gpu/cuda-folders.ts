import { execFile } from 'node:child_process';
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PYTHON_TIMEOUT_MS = 5000;

/** Where Python is installed, and where people keep environments of it; `*` is any one name. */
const PLACES = [
  '/usr/lib/python3*/*-packages',
  '/usr/lib/python3/*-packages',
  '/usr/local/lib/python3*/*-packages',
  '/opt/*/lib/python3*/site-packages',
  '/opt/*/*/lib/python3*/site-packages',
  join(homedir(), '.local/lib/python3*/site-packages'),
  join(homedir(), '*/lib/python3*/site-packages'),
];

/**
 * Folders of the CUDA libraries that Python packages of NVIDIA bring (`nvidia-cublas`, `nvidia-cudnn-cu13`,
 * …), for the search path of the loader, which does not know them. All are of one installation, so that
 * versions fit each other: of the first that has the CUDA runtime of this version; none where there is no
 * such.
 */
export async function cudaFolders(
  runtime = 'libcudart.so.13',
  environment: NodeJS.ProcessEnv = process.env,
): Promise<readonly string[]> {
  for (const site of await sitePackages(environment)) {
    const folders = await expand(join(site, 'nvidia/*/lib'));
    const contents = await Promise.all(folders.map((folder) => readdir(folder).catch((): string[] => [])));
    if (contents.some((names) => names.includes(runtime))) return folders;
  }
  return [];
}

async function sitePackages(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const virtual = environment.VIRTUAL_ENV;
  const places = virtual ? [join(virtual, 'lib/python3*/site-packages'), ...PLACES] : PLACES;
  const found = await Promise.all(places.map(expand));
  return [...new Set([...(await pythonPath(environment)), ...found.flat()])];
}

/** Where the Python on the PATH looks, if there is one. */
async function pythonPath(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  try {
    const { stdout } = await promisify(execFile)(
      'python3',
      ['-c', 'import sys; print("\\n".join(sys.path))'],
      {
        timeout: PYTHON_TIMEOUT_MS,
        env: environment,
      },
    );
    return stdout.split('\n').filter((line) => line.startsWith('/'));
  } catch {
    return [];
  }
}

/** The folders that a path with `*` in its names stands for, in order. */
async function expand(pattern: string): Promise<readonly string[]> {
  let folders = ['/'];
  for (const name of pattern.split('/').filter((part) => part !== '')) {
    const next = await Promise.all(
      folders.map(async (folder) => {
        if (!name.includes('*')) return [join(folder, name)];
        const wanted = new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
        const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
        return entries
          .filter((entry) => wanted.test(entry.name) && !entry.isFile())
          .map((entry) => join(folder, entry.name))
          .sort();
      }),
    );
    folders = next.flat();
  }
  return folders;
}
