import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { InflessError } from '../../models/base/errors.ts';
import { cannotWrite, ensureDirectory, readTextIfPresent } from '../../models/base/files.ts';
import { configKey } from '../../profiles/config.ts';
import {
  type Cell,
  cellSchema,
  profileTableSchema,
  type ThreadChoice,
  threadChoiceSchema,
} from '../../profiles/table.ts';

const JOURNAL_SCHEMA = 'infless.io/profile-journal/v1';
const REMEDY = 'Choose an output in a folder that can be written and has room.';

/** What two sweeps must share for their cells to stand in one table. The grid is not part of it. */
export const identitySchema = z.object({
  schema: z.literal(JOURNAL_SCHEMA).default(JOURNAL_SCHEMA),
  tool: z.string(),
  digest: z.string(),
  host: z.string(),
  engine: z.string(),
  /** Of the accelerator, where there is a share of one. */
  provider: z.string().optional(),
  quota: profileTableSchema.shape.quota,
  confidence: profileTableSchema.shape.confidence,
  cellTimeMs: z.number(),
  /** Of one row, by input. */
  shapes: z.record(z.string(), z.array(z.number())),
  /** Digest of the request whose values were measured, where the user gave one. */
  sample: z.string().optional(),
  servingPath: profileTableSchema.shape.servingPath,
});
export type SweepIdentity = z.input<typeof identitySchema>;

const lineSchema = z.union([
  z.object({ sweep: identitySchema }),
  z.object({ threading: z.array(threadChoiceSchema) }),
  z.object({ cell: cellSchema }),
]);

/** What the user should know about what was found. */
export type JournalFinding =
  | { readonly found: 'nothing' }
  | { readonly found: 'resumed'; readonly cells: number }
  /** It was there, but no one asked to resume: it now has another name. */
  | { readonly found: 'put-aside'; readonly cells: number; readonly keptAs: string };

/**
 * The finished cells of a sweep that is not over: JSON lines, appended and flushed one by one, so that a
 * process that is killed loses at most the cell it was at. A line that was torn in the middle is left out on
 * reading.
 */
export class Journal {
  readonly file: string;
  /** Undefined until threads were tried. */
  readonly threading: readonly ThreadChoice[] | undefined;
  readonly finding: JournalFinding;
  readonly #cells: Map<string, Cell>;
  readonly #handle: FileHandle;

  private constructor(
    file: string,
    { cells, threading }: Pick<Earlier, 'cells' | 'threading'>,
    finding: JournalFinding,
    handle: FileHandle,
  ) {
    this.file = file;
    this.#cells = new Map(cells.map((cell) => [configKey(cell), cell]));
    this.threading = threading;
    this.finding = finding;
    this.#handle = handle;
  }

  /**
   * Opens the journal for a sweep: goes on with the one in the file (`resume`), or puts it aside and begins
   * anew.
   *
   * @throws InflessError INVALID_INPUT when it is to be resumed but was measured otherwise, STORAGE_FAILED
   * when it cannot be written.
   */
  static async open(file: string, identity: SweepIdentity, resume: boolean): Promise<Journal> {
    const wanted = identitySchema.parse(identity);
    await ensureDirectory(dirname(file), REMEDY);
    try {
      const earlier = await readJournal(file);
      const resumed = resume && earlier !== undefined;
      if (resumed) checkIdentity(file, earlier.identity, wanted);
      const finding = resumed
        ? ({ found: 'resumed', cells: earlier.cells.length } as const)
        : await putAside(file, earlier);
      const { cells, threading } = resumed ? earlier : { cells: [], threading: undefined };
      // Written anew even when resumed: what a torn last line left behind must not swallow the next one.
      const handle = await open(`${file}.new`, 'w');
      const lines = [
        { sweep: wanted },
        ...(threading === undefined ? [] : [{ threading }]),
        ...cells.map((cell) => ({ cell })),
      ];
      await handle.appendFile(lines.map(toLine).join(''));
      await handle.datasync();
      await rename(`${file}.new`, file);
      return new Journal(file, { cells, threading }, finding, handle);
    } catch (error) {
      throw storageError(file, error);
    }
  }

  /** The latest of each config. */
  get cells(): readonly Cell[] {
    return [...this.#cells.values()];
  }

  append(cell: Cell): Promise<void> {
    this.#cells.set(configKey(cell), cell);
    return this.#append({ cell });
  }

  appendThreading(threading: readonly ThreadChoice[]): Promise<void> {
    return this.#append({ threading });
  }

  async #append(line: object): Promise<void> {
    try {
      await this.#handle.appendFile(toLine(line));
      await this.#handle.datasync();
    } catch (error) {
      throw storageError(this.file, error);
    }
  }

  /** Leaves it for a later `--resume`. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** The sweep is over and its table is saved. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.file, { force: true });
  }
}

interface Earlier {
  readonly identity: z.output<typeof identitySchema> | undefined;
  readonly cells: readonly Cell[];
  readonly threading: readonly ThreadChoice[] | undefined;
}

/** What a journal holds; undefined where there is none, or one without a finished cell. */
async function readJournal(file: string): Promise<Earlier | undefined> {
  const text = await readTextIfPresent(file);
  if (text === undefined) return undefined;
  const lines = text.split('\n').flatMap(parseLine);
  const identity = lines.find((line) => 'sweep' in line)?.sweep;
  const cells = new Map(lines.flatMap((line) => ('cell' in line ? [[configKey(line.cell), line.cell]] : [])));
  const threading = lines.findLast((line) => 'threading' in line)?.threading;
  return cells.size === 0 ? undefined : { identity, cells: [...cells.values()], threading };
}

function parseLine(line: string): z.output<typeof lineSchema>[] {
  try {
    const result = lineSchema.safeParse(JSON.parse(line));
    return result.success ? [result.data] : [];
  } catch {
    return []; // torn by whatever ended the sweep
  }
}

function checkIdentity(
  file: string,
  was: Earlier['identity'],
  wanted: z.output<typeof identitySchema>,
): void {
  const keys = Object.keys(wanted) as (keyof typeof wanted)[];
  const differs = was === undefined ? keys : keys.filter((key) => !isDeepStrictEqual(was[key], wanted[key]));
  if (differs.length === 0) return;
  throw new InflessError(
    'INVALID_INPUT',
    `Journal ${file} was measured otherwise (${differs.join(', ')} differ)`,
    {
      remedy: 'Give the same model and options as then, or leave out --resume to start anew.',
    },
  );
}

async function putAside(file: string, earlier: Earlier | undefined): Promise<JournalFinding> {
  if (earlier === undefined) return { found: 'nothing' };
  const keptAs = `${file}.old`;
  await rename(file, keptAs);
  return { found: 'put-aside', cells: earlier.cells.length, keptAs };
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function storageError(file: string, error: unknown): unknown {
  if (error instanceof InflessError) return error;
  return cannotWrite('Journal', file, error, REMEDY);
}
