/**
 * Started by trace.ts with the files to begin at and the packages that are not wanted: follows imports and
 * answers all files they lead to.
 */
import { join, parse, sep } from 'node:path';
import { nodeFileTrace } from '@vercel/nft';
import { packageRoot } from '../../../models/base/package.ts';
import { ENGINES } from '../../../models/engines/index.ts';
import { answerParent } from '../own-process.ts';
import { projectPath } from './project.ts';
import type { TraceRequest } from './trace.ts';

const { entries, without } = JSON.parse(process.argv[2]!) as TraceRequest;

/** Native libraries of all platforms: which of them is needed is not for this machine's trace to say. */
const nativeFolders = ENGINES.flatMap(({ runtime }) => runtime.native?.folder ?? []);

await answerParent(async () => {
  const { root } = parse(packageRoot);
  const unwanted = without.map((name) => join(sep, 'node_modules', name, sep));
  const { fileList } = await nodeFileTrace([...entries], {
    base: root,
    processCwd: packageRoot,
    // Imports alone: guesses at what file names in the code could mean take the user's home folder along.
    analysis: { emitGlobs: false, computeFileReferences: false },
    ignore: (path) => {
      const isUnwanted = unwanted.some((folder) => join(root, path, sep).includes(folder));
      const isNative = nativeFolders.some((folder) => path.includes(folder));
      return isUnwanted || isNative || projectPath(join(root, path)) === undefined;
    },
  });
  return [...fileList].flatMap((path) => projectPath(join(root, path)) ?? []);
});
