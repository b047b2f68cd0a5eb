/** Started by trace.ts with the files to begin at: follows their imports and answers all files they lead to. */
import { join, parse } from 'node:path';
import { nodeFileTrace } from '@vercel/nft';
import { packageRoot } from '../../../models/base/package.ts';
import { answerParent } from '../own-process.ts';
import { NATIVE_FOLDER } from './native-folder.ts';
import { projectPath } from './project.ts';

await answerParent(async () => {
  const { root } = parse(packageRoot);
  const { fileList } = await nodeFileTrace(process.argv.slice(2), {
    base: root,
    processCwd: packageRoot,
    // Imports alone: guesses at what file names in the code could mean take the user's home folder along.
    analysis: { emitGlobs: false, computeFileReferences: false },
    ignore: (path) => path.includes(NATIVE_FOLDER) || projectPath(join(root, path)) === undefined,
  });
  return [...fileList].flatMap((path) => projectPath(join(root, path)) ?? []);
});
