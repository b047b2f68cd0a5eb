import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { InflessError } from '../../models/base/errors.ts';
import { cacheDirectory } from '../../models/base/files.ts';
import { packageRoot } from '../../models/base/package.ts';
import { isLayoutName, parseLayoutName } from '../../packager/layout/layout-name.ts';
import type { FunctionSpec } from './spec.ts';

/**
 * The folders that functions declared by REST may name files in: who may declare functions is not for that
 * reason one who may read whatever this process can. A functions file may name any: who writes it starts us.
 */
export class AllowedPaths {
  readonly #folders: readonly string[];

  /** @param folders beside the cache and the tables that come with us */
  constructor(folders: readonly string[]) {
    this.#folders = [...folders, cacheDirectory(), join(packageRoot, 'profiles')].map((folder) =>
      resolve(folder),
    );
  }

  /** @throws InflessError INVALID_INPUT for a function with a path that leads elsewhere, links included */
  async check({ model, image, profile }: Pick<FunctionSpec, 'model' | 'image' | 'profile'>): Promise<void> {
    const layout = image !== undefined && isLayoutName(image) ? parseLayoutName(image).directory : undefined;
    const paths = { model: isPath(model) ? model : undefined, image: layout, profile };
    for (const [field, path] of Object.entries(paths)) if (path !== undefined) await this.#check(field, path);
  }

  async #check(field: string, path: string): Promise<void> {
    const target = await whereItLeads(resolve(path));
    const folders = await Promise.all(this.#folders.map(whereItLeads));
    if (folders.some((folder) => isInside(target, folder))) return;
    throw new InflessError(
      'INVALID_INPUT',
      `The ${field} "${path}" is outside the folders that functions may name files in`,
      {
        remedy: `These are ${this.#folders.join(', ')}; start the autoscaler with --model-dir FOLDER to add one.`,
      },
    );
  }
}

/** As the functions file has it: a zoo name has neither a separator nor an ending. */
function isPath(model: string | undefined): boolean {
  return model !== undefined && /[./\\]/.test(model);
}

/** With all links followed, as far as there is anything. */
async function whereItLeads(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await whereItLeads(parent), relative(parent, path));
  }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
