import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import type { StepRecord } from '../../../autoscaler/gpu-proof/run/report.ts';
import { packageRoot, programFile } from '../../../models/base/package.ts';

const REPLAYS = join(packageRoot, 'test/autoscaler/gpu-proof/replays');
/** A table of a card, as step f leaves it. */
export const TABLE = join(REPLAYS, 'table.json');

/** From the fault to its sentence. */
export const SENTENCE_MS = 5000;
/** What a step that hangs is given here. */
const STEP_SECONDS = '3';

export interface ProofReport {
  readonly schema: string;
  readonly steps: Readonly<Record<string, StepRecord>>;
}

/** A proof as a person starts it, in folders of its own. Whatever it starts carries a mark of ours. */
export class ProofRun {
  readonly #mark = randomUUID();
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly temporary: string;
  readonly out: string;
  stdout = '';
  stderr = '';

  private constructor(folder: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.temporary = join(folder, 'tmp');
    this.out = join(folder, 'out');
    this.#child = spawn(
      process.execPath,
      [programFile('autoscaler/gpu-proof/bin'), '--out', this.out, ...args],
      {
        env: {
          ...process.env,
          TMPDIR: this.temporary,
          INFLESS_CACHE_DIR: join(tmpdir(), 'infless-proof-test-cache'),
          ...environment,
          PROOF_TEST: this.#mark,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#closed = once(this.#child, 'close');
  }

  /** @param faults with which the recorded card is played */
  static async replay(
    args: readonly string[],
    faults: object = {},
    card: 'a100' | 'h200' = 'a100',
  ): Promise<ProofRun> {
    const folder = await ownFolder();
    const replay = join(folder, 'replay');
    await cp(join(REPLAYS, card), replay, { recursive: true });
    await writeFile(join(replay, 'faults.json'), JSON.stringify(faults));
    return new ProofRun(folder, ['--replay', replay, ...args], {});
  }

  static async start(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<ProofRun> {
    return new ProofRun(await ownFolder(), args, environment);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async exited(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  /** What the report says now; undefined while there is none. A report that is not whole fails the test. */
  async report(): Promise<ProofReport | undefined> {
    const text = await readFile(join(this.out, 'proof.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as ProofReport);
  }

  /** Resolves when a step is at something. */
  async untilAt(letter: string, what: RegExp): Promise<void> {
    for (;;) {
      const step = (await this.report())?.steps[letter];
      if (step !== undefined && what.test(step.sentence)) return;
      if (this.#child.exitCode !== null) throw new Error(`it ended before: ${this.stdout}${this.stderr}`);
      await sleep(5);
    }
  }

  /**
   * Processes that it has started and that are still there, however far they got from it; files that only it
   * has use for.
   */
  async leftovers(): Promise<readonly string[]> {
    const left: string[] = await readdir(this.temporary);
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      if (!environ.includes(this.#mark)) continue;
      left.push((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '));
    }
    return left.filter((name) => name !== '');
  }

  /** Empty once all is gone; what is left where it is not within the time. */
  async leftAfter(timeMs: number): Promise<readonly string[]> {
    const begin = performance.now();
    for (;;) {
      const left = await this.leftovers();
      if (left.length === 0 || performance.now() - begin > timeMs) return left;
      await sleep(50);
    }
  }
}

/** A step in which something goes wrong says so in one sentence, soon, and leaves nothing behind. */
export async function expectSentence(letter: string, faults: object, sentence: RegExp): Promise<void> {
  const run = await ProofRun.replay(['--steps', letter, '--step-time', STEP_SECONDS], faults);
  await run.untilAt(letter, /./);
  const begin = performance.now();
  const code = await run.exited();
  expect(performance.now() - begin).toBeLessThan(SENTENCE_MS);
  const step = (await run.report())!.steps[letter]!;
  expect(step.sentence).toMatch(sentence);
  expect(step.sentence.split('\n')).toHaveLength(1);
  expect(code).toBe(step.outcome === 'no-card' ? 3 : 1);
  expect(await run.leftAfter(500)).toEqual([]);
}

async function ownFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'infless-proof-test-'));
  await mkdir(join(folder, 'tmp'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
