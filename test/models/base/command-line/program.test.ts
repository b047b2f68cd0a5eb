import { expect, it } from 'vitest';
import { ProgramRun } from '../../../support/program-run.ts';

it('ends quietly when nobody reads its output any more', async () => {
  const run = new ProgramRun('packager/bin', ['--help']);
  run.child.stdout.destroy(); // as `… --help | true` does
  expect(await run.exited()).toBe(0);
  expect(run.stderr).toBe('');
});
