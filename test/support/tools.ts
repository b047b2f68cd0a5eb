import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/**
 * A small disk of its own, in a folder with nothing else in it, until the test ends. Leaves the test out,
 * saying why, where nothing may be mounted.
 */
export function mountDisk(context: TestContext, sizeKib: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'infless-disk-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const options = ['-t', 'tmpfs', '-o', `size=${sizeKib}k`, 'tmpfs', disk];
  const { status } = spawnSync('mount', options, { stdio: 'ignore' });
  if (status !== 0) context.skip('needs the right to mount');
  context.onTestFinished(() => {
    runTool('umount', disk);
  });
  return disk;
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
