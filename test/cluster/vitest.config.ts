import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { include: ['test/cluster/*.test.ts'], reporters: ['default', './test/support/plain-summary.ts'] },
});
