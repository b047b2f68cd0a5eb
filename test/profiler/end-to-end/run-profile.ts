import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { programFile } from '../../../models/base/package.ts';
import { readTable } from '../../../profiles/store.ts';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `infless-profile` as a process, with a cache of its own. */
export class ProfileProcess {
  readonly child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(cache: string, ...args: string[]) {
    this.child = spawn(process.execPath, [programFile('profiler/bin'), ...args], {
      env: { ...process.env, INFLESS_CACHE_DIR: cache, NO_COLOR: '1', FORCE_COLOR: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, as a shell gives to what it starts
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once this many cells are measured. */
  async cells(count: number): Promise<void> {
    while (this.#stderr.split('samples').length <= count) await once(this.child.stderr!, 'data');
  }

  /** Ctrl-C: a terminal signals the whole group, the measuring process too. */
  interrupt(): void {
    process.kill(-this.child.pid!, 'SIGINT');
  }

  async finished(): Promise<Finished> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return { code: this.child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }
}

/** The one table in a cache. */
export async function cachedTable(cache: string): ReturnType<typeof readTable> {
  const names = (await readdir(join(cache, 'profiles'))).filter((name) => name.endsWith('.json'));
  expect(names).toHaveLength(1);
  return readTable(join(cache, 'profiles', names[0]!));
}
