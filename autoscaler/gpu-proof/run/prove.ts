import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { onInterrupt } from '../../../models/base/command-line/interrupt.ts';
import { EXIT_INTERRUPTED } from '../../../models/base/errors.ts';
import { ensureDirectory } from '../../../models/base/files.ts';
import { packageVersion } from '../../../models/base/package.ts';
import { formatDuration } from '../../../models/base/units.ts';
import {
  cudaEnvironment,
  cudaLibraryFolders,
} from '../../../models/engines/onnx/providers/cuda-libraries.ts';
import { runtimeVersion } from '../../../models/engines/onnx/runtime.ts';
import { endLeftovers, MARK } from '../leftovers.ts';
import { type Letter, STEP_PLANS } from '../plan.ts';
import { openReplay } from '../replay/replay.ts';
import { FULL_SIZE, type ProofSize, REPLAY_SIZE } from '../size.ts';
import type { Verdict } from '../step.ts';
import { runStep } from './child.ts';
import { startJanitor } from './janitor.ts';
import { Report, type StepRecord } from './report.ts';

export interface ProofOptions {
  readonly letters: readonly Letter[];
  readonly out: string;
  /** For all steps together, and for each at most. */
  readonly totalMs: number;
  readonly stepMs: number | undefined;
  /** Folder of recorded outputs that play the card. */
  readonly replay: string | undefined;
  readonly tell: (line: string) => void;
}

const EXIT_NO_CARD = 3;
/** What ending a step in good order may take of the time of all. */
const RESERVE_MS = 3000;

/**
 * Runs the steps, each in a process of its own, one line and one entry of the report for each.
 *
 * @returns the exit code: 0 where all passed, 1 where one failed, 3 without a card
 * @throws InflessError STORAGE_FAILED, INVALID_INPUT for a replay that is none
 */
export async function prove(options: ProofOptions): Promise<number> {
  const out = resolve(options.out);
  await ensureDirectory(out, 'Choose a folder that can be written with --out.');
  const work = await mkdtemp(join(tmpdir(), 'infless-proof-'));
  const interrupt = onInterrupt();
  try {
    const proof = await Proof.open(options, out, work);
    const janitor = startJanitor({ environment: proof.environment, work });
    try {
      await proof.run(interrupt.signal);
    } finally {
      await janitor.dismiss();
    }
    return interrupt.signal.aborted ? EXIT_INTERRUPTED : proof.exitCode;
  } finally {
    interrupt.release();
    await rm(work, { recursive: true, force: true });
  }
}

class Proof {
  readonly #options: ProofOptions;
  readonly #out: string;
  readonly #work: string;
  readonly #size: ProofSize;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #report: Report;
  readonly #outcomes: Verdict['outcome'][] = [];
  readonly #beginMs = performance.now();
  #absence: string | undefined;

  private constructor(
    options: ProofOptions,
    out: string,
    work: string,
    environment: NodeJS.ProcessEnv,
    facts: Readonly<Record<string, unknown>>,
  ) {
    this.#options = options;
    this.#out = out;
    this.#work = work;
    this.#size = options.replay === undefined ? FULL_SIZE : REPLAY_SIZE;
    this.#environment = environment;
    this.#report = new Report(out, facts);
  }

  static async open(options: ProofOptions, out: string, work: string): Promise<Proof> {
    const temporary = join(work, 'tmp');
    await mkdir(temporary);
    const inherited = process.env;
    const environment: NodeJS.ProcessEnv = {
      ...inherited,
      [MARK]: randomUUID(),
      ...(options.replay === undefined ? cudaEnvironment() : {}),
      TMPDIR: temporary,
      INFLESS_CACHE_DIR: inherited.INFLESS_CACHE_DIR ?? join(work, 'cache'),
      INFLESS_STATE_DIR: join(work, 'state'),
      NO_COLOR: '1',
      ...(options.replay === undefined ? {} : await openReplay(resolve(options.replay), work)),
    };
    const facts = {
      startedAt: new Date().toISOString(),
      replay: options.replay !== undefined,
      infless: packageVersion,
      node: process.version,
      engine: runtimeVersion(),
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      cudaFolders: options.replay === undefined ? cudaLibraryFolders() : [],
    };
    return new Proof(options, out, work, environment, facts);
  }

  async run(signal: AbortSignal): Promise<void> {
    for (const letter of this.#options.letters) {
      const begin = performance.now();
      const verdict = await this.#runStep(letter, signal);
      this.#outcomes.push(verdict.outcome);
      if (verdict.outcome === 'no-card') this.#absence ??= verdict.sentence;
      this.#update(letter, verdict.outcome, verdict.sentence, begin);
      await this.#report.written();
      const took = formatDuration(performance.now() - begin);
      this.#options.tell(`${letter}  ${verdict.outcome.padEnd(7)}  ${verdict.sentence} (${took})`);
    }
  }

  /** Of the steps, and of all that they start. */
  get environment(): NodeJS.ProcessEnv {
    return this.#environment;
  }

  get exitCode(): number {
    if (this.#outcomes.includes('no-card')) return EXIT_NO_CARD;
    return this.#outcomes.every((outcome) => outcome === 'passed') ? 0 : 1;
  }

  async #runStep(letter: Letter, signal: AbortSignal): Promise<Verdict> {
    const plan = STEP_PLANS[letter];
    if (signal.aborted) return { outcome: 'skipped', sentence: 'Interrupted before it was its turn.' };
    if (plan.needsCard && this.#absence !== undefined) return { outcome: 'no-card', sentence: this.#absence };
    const leftMs = this.#options.totalMs - (performance.now() - this.#beginMs) - RESERVE_MS;
    if (leftMs < 1000) return { outcome: 'skipped', sentence: 'The time for all steps was over.' };
    const begin = performance.now();
    this.#update(letter, 'running', 'starting', begin);
    const verdict = await runStep(
      {
        letter,
        order: { out: this.#out, work: this.#work, size: this.#size },
        limitMs: Math.min(leftMs, this.#options.stepMs ?? plan.limitMs),
        environment: this.#environment,
        onDoing: (what) => this.#update(letter, 'running', what, begin),
        onFigures: (figures) => this.#update(letter, 'running', undefined, begin, figures),
      },
      signal,
    );
    const left = await endLeftovers(this.#environment);
    if (left.length > 0) this.#update(letter, 'running', undefined, begin, { endedAfterwards: left });
    return verdict;
  }

  #update(
    letter: Letter,
    outcome: StepRecord['outcome'],
    sentence: string | undefined,
    begin: number,
    figures: Readonly<Record<string, unknown>> = {},
  ): void {
    const known = this.#report.step(letter);
    this.#report.update(letter, {
      title: STEP_PLANS[letter].title,
      outcome,
      sentence: sentence ?? known?.sentence ?? '',
      tookMs: Math.round(performance.now() - begin),
      figures: { ...known?.figures, ...figures },
    });
  }
}
