import type { Findings } from './findings.ts';

/** Where the layout does not keep its rules yet. May only shrink: what has become right must be taken out. */
export const EXCEPTIONS: Findings = {
  emptyFolders: [],
  circles: [],
  forbiddenArrows: [],
  trespassing: [],
  formatsNamed: [],
  impure: [],
  largeFolders: [],
  crowdedFolders: 3,
  smallFiles: 52,
  longComments: [],
  lostTests: [],
  fileIndex: [],
};
