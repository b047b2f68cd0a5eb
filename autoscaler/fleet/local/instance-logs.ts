import { type FileHandle, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../models/base/clock.ts';
import { messageOf, systemCode } from '../../../models/base/errors.ts';
import { ensureDirectory } from '../../../models/base/files.ts';
import { stderrTail } from '../last-words.ts';
import type { LogLine, LogQuery } from '../platform.ts';
import { readLogs } from './log-file.ts';

const KEPT_LOGS = 20;
const MAX_LOG_BYTES = 16 * 2 ** 20;
const TAIL_BYTES = 4096;

/**
 * What instances print: one file each, `<id>.log`. Those of the last few that are gone are kept to look into.
 */
export class InstanceLogs {
  readonly #directory: string;
  /** Whose log it is, as long as there may be one. */
  readonly #functionNames = new Map<string, string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** An instance is there whose log is to be found by the name of its function. */
  register(id: string, functionName: string): void {
    this.#functionNames.set(id, functionName);
  }

  /** What the instances of a function have printed, those included of whom nothing but the log is left. */
  read(functionName: string, query: LogQuery, clock: Clock): AsyncIterable<LogLine> {
    const files = (): ReadonlyMap<string, string> =>
      new Map(
        [...this.#functionNames].flatMap(([id, owner]) =>
          owner === functionName ? [[id, this.#file(id)]] : [],
        ),
      );
    return readLogs(files, query, clock);
  }

  /**
   * To append to; the file is closed by the caller once the process has it. Where there is no room for it the
   * instance prints for no one: no log is worth an instance.
   *
   * @param note hears of that
   */
  async open(id: string, note: (text: string) => void = () => {}): Promise<FileHandle> {
    try {
      await ensureDirectory(this.#directory, 'Choose a state folder that can be written.');
      return await open(this.#file(id), 'a');
    } catch (error) {
      note(`Instance ${id} has no log (${systemCode(error) ?? messageOf(error)}): ${this.#file(id)}`);
      return open(devNull, 'w');
    }
  }

  /** Its last words, as one line; empty if there are none. */
  async tail(id: string): Promise<string> {
    try {
      return stderrTail(await readEnd(this.#file(id)));
    } catch {
      return ''; // an explanation that is missing must not hide what it explains
    }
  }

  /** Empties logs that have grown too long. Processes append, so they go on from the new end. */
  async trim(runningIds: Iterable<string>): Promise<void> {
    for (const id of runningIds) {
      const size = (await stat(this.#file(id)).catch(() => undefined))?.size ?? 0;
      if (size > MAX_LOG_BYTES) await truncate(this.#file(id));
    }
  }

  /** Deletes the logs of instances that are gone, but for the newest. */
  async prune(runningIds: ReadonlySet<string>): Promise<void> {
    const gone = (await readdir(this.#directory))
      .filter((file) => file.endsWith('.log'))
      .map((file) => file.slice(0, -'.log'.length))
      .filter((id) => !runningIds.has(id));
    if (gone.length <= KEPT_LOGS) return;
    const aged = await Promise.all(
      gone.map(async (id) => ({ id, atMs: await modifiedAtMs(this.#file(id)) })),
    );
    const old = aged.sort((a, b) => b.atMs - a.atMs).slice(KEPT_LOGS);
    await Promise.all(old.map(({ id }) => rm(this.#file(id), { force: true })));
    for (const { id } of old) this.#functionNames.delete(id);
  }

  #file(id: string): string {
    return join(this.#directory, `${id}.log`);
  }
}

async function readEnd(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function modifiedAtMs(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;
}
