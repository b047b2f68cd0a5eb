/**
 * Started by trace.ts with the files to begin at and the packages that are not wanted: follows imports and answers all
 * files they lead to.
 */
import { join, parse, sep } from 'node:path';
import { nodeFileTrace } from '@vercel/nft';
import { packageRoot } from '../../../models/base/package.ts';
import { answerParent } from '../own-process.ts';
import { NATIVE_FOLDER } from './native-folder.ts';
import { projectPath } from './project.ts';
import type { TraceRequest } from './trace.ts';

const { entries, without } = JSON.parse(process.argv[2]!) as TraceRequest;

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
      return isUnwanted || path.includes(NATIVE_FOLDER) || projectPath(join(root, path)) === undefined;
    },
  });
  return [...fileList].flatMap((path) => projectPath(join(root, path)) ?? []);
});
