import { mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/**
 * What takes long and seldom breaks: whole images packed again and again, in other checkouts and at the same
 * time.
 */
export default mergeConfig(
  { ...base, test: { ...base.test, include: undefined, exclude: undefined } },
  { test: { include: ['test/**/*.slow.test.ts'] } },
);
