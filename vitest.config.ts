import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/bench/**',
      'test/**/*.slow.test.ts', // npm run test:slow
      'test/cluster/**', // npm run test:cluster
      'test/autoscaler/gpu-proof/end-to-end/**', // npm run test:gpu-proof
      'node_modules/**',
    ],
    reporters: ['default', './test/support/plain-summary.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks', // inference is native code: a crash must take down one test file, not the runner
    maxWorkers: 2,
    // of real processes on a busy machine one may lose a race; the report names what was run twice
    retry: process.env.CI ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      include: ['models/**', 'profiles/**', 'profiler/**', 'packager/**', 'autoscaler/**'],
      reporter: ['text-summary', 'html'],
    },
  },
});
