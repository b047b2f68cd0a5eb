import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

/** Leaves a test out, saying why, where a program that it needs is not installed. */
export function needs(context: TestContext, ...programs: readonly string[]): void {
  for (const program of programs) {
    const { error } = spawnSync(program, ['--version'], { stdio: 'ignore' });
    if (error) context.skip(`needs ${program}`);
  }
}

/** Leaves a test out, saying why, for anyone but root. */
export function needsRoot(context: TestContext): void {
  if (process.getuid?.() !== 0) context.skip('needs root');
}

/** Runs a program to its end and gives its standard output; fails with what it said on standard error. */
export function runTool(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (status === 0) return stdout;
  throw new Error(`${[program, ...args].join(' ')}: ${error?.message ?? stderr}`);
}
