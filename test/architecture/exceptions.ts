import type { Findings } from './findings.ts';

/** Where the layout does not keep its rules yet. May only shrink: what has become right must be taken out. */
export const EXCEPTIONS: Findings = {
  emptyFolders: ['models/protocols'],
  circles: [
    'models/engines/content.ts → models/engines/tfjs',
    'models/engines/tfjs → models/engines/content.ts',
    'packager/server/http → packager/server/model-path.ts',
    'packager/server/model-path.ts → packager/server/http',
  ],
  forbiddenArrows: [],
  trespassing: ['packager/contents/model/model-files.ts → models/engines/tfjs/model-json.ts'],
  impure: [],
  largeFolders: [],
  crowdedFolders: 6,
  smallFiles: 84,
  lostTests: ['test/packager/server-model-path.test.ts'],
};
