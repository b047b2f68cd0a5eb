import { join } from 'node:path';
import { writeFileSafely } from '../../../models/base/files.ts';
import type { Letter } from '../plan.ts';
import type { Outcome } from '../step.ts';

/** What is known of one step so far. */
export interface StepRecord {
  readonly title: string;
  readonly outcome: Outcome | 'running';
  /** What came of it or, while it runs, what it is at. */
  readonly sentence: string;
  readonly tookMs: number;
  readonly figures: Readonly<Record<string, unknown>>;
}

export const PROOF_SCHEMA = 'infless.io/gpu-proof/v1';
export const REPORT_FILE = 'proof.json';

/** The report as a file that is whole whenever somebody looks, and knows all that was known by then. */
export class Report {
  readonly #file: string;
  readonly #facts: Readonly<Record<string, unknown>>;
  readonly #steps = new Map<Letter, StepRecord>();
  #writing: Promise<void> = Promise.resolve();
  #isDirty = false;

  /** @param facts of the run as a whole */
  constructor(folder: string, facts: Readonly<Record<string, unknown>>) {
    this.#file = join(folder, REPORT_FILE);
    this.#facts = facts;
  }

  step(letter: Letter): StepRecord | undefined {
    return this.#steps.get(letter);
  }

  /** Told with every change; what comes while a state is being written is written together afterwards. */
  update(letter: Letter, record: StepRecord): void {
    this.#steps.set(letter, record);
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#writing = this.#writing.then(() => this.#write());
    this.#writing.catch(() => {}); // `written` tells
  }

  /** @throws InflessError STORAGE_FAILED */
  written(): Promise<void> {
    return this.#writing;
  }

  async #write(): Promise<void> {
    this.#isDirty = false;
    const state = { schema: PROOF_SCHEMA, ...this.#facts, steps: Object.fromEntries(this.#steps) };
    await writeFileSafely(this.#file, `${JSON.stringify(state, null, 1)}\n`);
  }
}
