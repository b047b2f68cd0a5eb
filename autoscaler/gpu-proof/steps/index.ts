import type { Letter } from '../plan.ts';
import type { Step } from '../step.ts';

/** Each is loaded where it runs: that one cannot be must not keep the others from it. */
export const STEPS: Readonly<Record<Letter, () => Promise<Step>>> = {
  a: async () => (await import('./keep-outputs.ts')).keepOutputs,
  b: async () => (await import('./resolve-libraries.ts')).resolveLibraries,
  c: async () => (await import('./compare-answers.ts')).compareAnswers,
  d: async () => (await import('./batches/vary-batches.ts')).varyBatches,
  e: async () => (await import('./share-by-mps.ts')).shareByMps,
  f: async () => (await import('./profile-shares.ts')).profileShares,
  g: async () => (await import('./run-side-by-side.ts')).runSideBySide,
  h: async () => (await import('./serving/serve-share.ts')).serveShare,
  i: async () => (await import('./prices/compare-prices.ts')).comparePrices,
};
