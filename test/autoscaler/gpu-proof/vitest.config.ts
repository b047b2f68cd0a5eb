import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** All of the proof on a GPU that needs none: some minutes, of which `npm test` has the first seconds. */
export default defineConfig({
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: {
    include: ['test/autoscaler/gpu-proof/**/*.test.ts', 'test/autoscaler/end-to-end/gpu-proof.test.ts'],
    reporters: ['default', './test/support/plain-summary.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    fileParallelism: false, // it times what runs side by side
    testTimeout: 60_000,
  },
});
