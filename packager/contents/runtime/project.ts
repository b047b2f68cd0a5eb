import { basename, dirname, relative, sep } from 'node:path';
import { packageRoot } from '../../../models/base/package.ts';

/** Where the runtime lies in an image: as npm would install it into a project of its own. */
const RUNTIME_FOLDER = 'opt/infless';

const isInstalled = basename(dirname(packageRoot)) === 'node_modules';

/** The folder whose `node_modules` we run from: the project that infless is installed in, or our own checkout. */
export const projectFolder = isInstalled ? dirname(dirname(packageRoot)) : packageRoot;

/** Where a file of the project goes in the image. Our own files go where npm would install them, those of a checkout too. */
export function runtimePath(file: string): string {
  const path = relative(projectFolder, file).split(sep).join('/');
  const isOurs = !isInstalled && !path.startsWith('node_modules/');
  return `${RUNTIME_FOLDER}/${isOurs ? 'node_modules/infless/' : ''}${path}`;
}
