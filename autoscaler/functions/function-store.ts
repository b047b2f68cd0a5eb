import { join } from 'node:path';
import { z } from 'zod';
import { readTextIfPresent, writeFileSafely } from '../../models/base/files.ts';
import { parseJson, parseWith } from '../../models/base/schema.ts';
import type { FunctionDeclaration } from './spec.ts';

/**
 * Who declared a function: one from the file goes when it is taken out of the file, one by REST stays. On a
 * cluster functions are objects of it, whoever made them.
 */
export type Origin = 'file' | 'rest' | 'kubernetes';

export interface StoredFunction {
  readonly origin: Origin;
  readonly declaration: FunctionDeclaration;
  /**
   * When there was none of its name before, in ms since the epoch; unknown of those that were stored without.
   */
  readonly createdAtMs?: number | undefined;
}

const storeSchema = z.object({
  schema: z.literal('infless.io/functions/v1'),
  functions: z.array(
    z.object({
      origin: z.enum(['file', 'rest']),
      // What is wrong with one, as a field of a newer version, is found out when it is deployed: it is kept.
      declaration: z.custom<FunctionDeclaration>(
        (value) =>
          typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string',
        { error: 'is not a function with a name' },
      ),
      createdAtMs: z.number().optional(),
    }),
  ),
});

/** Their environment may hold what is nobody else's business. */
const OWNER_ONLY = 0o600;

/**
 * The declared functions, on disk, so that a restart loses none. Writes replace the file as a whole, one at a
 * time.
 */
export class FunctionStore {
  readonly #file: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(stateDirectory: string) {
    this.#file = join(stateDirectory, 'functions.json');
  }

  /** @throws InflessError STORAGE_FAILED for a damaged file: starting empty would look like a loss. */
  async load(): Promise<StoredFunction[]> {
    const text = await readTextIfPresent(this.#file);
    if (text === undefined) return [];
    const boundary = {
      what: `State file ${this.#file}`,
      code: 'STORAGE_FAILED' as const,
      remedy: 'Repair it, or remove it and declare the functions again.',
    };
    return parseWith(storeSchema, parseJson(text, boundary), boundary).functions;
  }

  save(functions: readonly StoredFunction[]): Promise<void> {
    const content = `${JSON.stringify({ schema: 'infless.io/functions/v1', functions }, null, 2)}\n`;
    const write = (): Promise<void> =>
      writeFileSafely(
        this.#file,
        content,
        'Choose a --state-dir that can be written and has room.',
        OWNER_ONLY,
      );
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }
}
