import type { Findings } from './findings.ts';

/** Where the layout does not keep its rules yet. May only shrink: what has become right must be taken out. */
export const EXCEPTIONS: Findings = {
  emptyFolders: ['models/protocols'],
  circles: [
    'packager/server/http → packager/server/model-path.ts',
    'packager/server/model-path.ts → packager/server/http',
  ],
  forbiddenArrows: [],
  trespassing: [],
  formatsNamed: [],
  impure: [],
  largeFolders: [],
  crowdedFolders: 6,
  smallFiles: 85,
  lostTests: ['test/packager/server-model-path.test.ts'],
};
