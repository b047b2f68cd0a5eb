import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { packageRoot } from '../../../models/base/package.ts';

/** Where the runtime lies in an image: as npm would install it into a project of its own. */
const RUNTIME_FOLDER = 'opt/infless';

const isInstalled = basename(dirname(packageRoot)) === 'node_modules';

/**
 * The folder whose `node_modules` we run from: the project that infless is installed in, or our own checkout.
 * The outermost, because pnpm keeps each package in a `node_modules` of its own within that.
 */
export const projectFolder = isInstalled
  ? packageRoot.slice(0, packageRoot.indexOf(`${sep}node_modules${sep}`))
  : packageRoot;

const modulesFolder = join(projectFolder, 'node_modules');

/** Where its files really lie: checkouts share a `node_modules` by a link. */
const realModulesFolder = existsSync(modulesFolder) ? realpathSync(modulesFolder) : modulesFolder;

/** A file or link of the project by its path there, undefined for what is not the project's. */
export function projectPath(file: string): string | undefined {
  if (file.startsWith(realModulesFolder + sep)) {
    return join(modulesFolder, relative(realModulesFolder, file));
  }
  // The link to node_modules itself leads nowhere in an image.
  return file.startsWith(projectFolder + sep) && file !== modulesFolder ? file : undefined;
}

/**
 * Where a file of the project goes in the image. Our own files go where npm would install them, those of a
 * checkout too.
 */
export function runtimePath(file: string): string {
  const path = relative(projectFolder, file).split(sep).join('/');
  const isOurs = !isInstalled && !path.startsWith('node_modules/');
  return `${RUNTIME_FOLDER}/${isOurs ? 'node_modules/infless/' : ''}${path}`;
}
