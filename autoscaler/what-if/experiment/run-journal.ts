import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InflessError, systemCode } from '../../../models/base/errors.ts';
import { sha256 } from './grid-file.ts';
import type { RunOutcome } from './run-figures.ts';
import type { ExperimentRun } from './settings.ts';

interface Line {
  readonly key: string;
  readonly outcome: RunOutcome;
}

const FILE = 'runs.jsonl';

/**
 * What an experiment has done: a line a run, written when it ends. A second start reads it and goes on; a
 * line that was cut off when the first was killed is done again.
 */
export class RunJournal {
  readonly #file: string;
  readonly #done = new Map<string, RunOutcome>();

  /**
   * @param digest of all that decides about results
   * @throws InflessError INVALID_INPUT where the folder holds another grid's
   */
  constructor(folder: string, digest: string) {
    mkdirSync(folder, { recursive: true });
    this.#file = join(folder, FILE);
    const lines = linesOf(this.#file);
    if (lines.length === 0) {
      appendFileSync(this.#file, `${JSON.stringify({ grid: digest })}\n`);
      return;
    }
    const [head, ...rest] = lines;
    if (parsed<{ readonly grid: string }>(head!)?.grid !== digest) {
      throw new InflessError(
        'INVALID_INPUT',
        `${this.#file} holds the runs of another grid, or of other inputs`,
        {
          remedy: 'Give another folder with --out, or remove this one.',
        },
      );
    }
    for (const text of rest) {
      const line = parsed<Line>(text);
      if (line !== undefined) this.#done.set(line.key, line.outcome);
    }
    if (!readFileSync(this.#file, 'utf8').endsWith('\n')) appendFileSync(this.#file, '\n');
  }

  outcomeOf(run: ExperimentRun): RunOutcome | undefined {
    return this.#done.get(keyOf(run));
  }

  add(run: ExperimentRun, outcome: RunOutcome): void {
    const key = keyOf(run);
    // as it will be read again: figures do not depend on whether they were
    const written = JSON.stringify({ key, outcome });
    this.#done.set(key, (JSON.parse(written) as Line).outcome);
    appendFileSync(this.#file, `${written}\n`);
  }
}

function keyOf(run: ExperimentRun): string {
  return sha256(JSON.stringify(run)).slice(0, 16);
}

function parsed<T>(line: string): T | undefined {
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined;
  }
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
