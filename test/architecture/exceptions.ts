import type { Findings } from './findings.ts';

/** Where the layout does not keep its rules yet. May only shrink: what has become right must be taken out. */
export const EXCEPTIONS: Findings = {
  emptyFolders: [],
  circles: [
    'models/engines/content.ts → models/engines/tfjs',
    'models/engines/tfjs → models/engines/content.ts',
  ],
  forbiddenArrows: [],
  trespassing: ['packager/contents/model/model-files.ts → models/engines/tfjs/model-json.ts'],
  impure: [],
  largeFolders: [],
  crowdedFolders: 5,
  smallFiles: 85,
  lostTests: [],
};
