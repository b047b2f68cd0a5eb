import { appendFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Cancel, Clock } from '../../models/base/clock.ts';
import { messageOf, systemCode } from '../../models/base/errors.ts';
import type { PlanInput, ScalingDecision } from '../planning/decision.ts';
import { arrivalsLine, JournalWriter } from './journal-line.ts';

export const JOURNAL_SUFFIX = '.jsonl';

export interface JournalLimits {
  /** A file of this size is followed by another. */
  readonly fileBytes: number;
  /** All files of the folder together: beyond, the oldest are deleted. */
  readonly totalBytes: number;
  /** Beyond, decisions are left out. */
  readonly bytesPerHour: number;
}

export const DEFAULT_JOURNAL_LIMITS: JournalLimits = {
  fileBytes: 8 << 20,
  totalBytes: 256 << 20,
  bytesPerHour: 50 << 20,
};

export interface JournalParts {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: JournalLimits;
}

/** How often it is taken down how many requests came. */
export const ARRIVALS_MS = 10_000;
const FLUSH_MS = 1_000;
const HOUR_MS = 3_600_000;
/** After a failure, as on a full disk, it is tried again so much later. */
const REST_MS = 10_000;

/**
 * The decisions of one autoscaler in a folder of files of JSON lines, a ring of bounded size. Nobody ever
 * waits for it: what cannot be written, is left out and counted.
 */
export class Journal {
  readonly #parts: JournalParts;
  readonly #limits: JournalLimits;
  readonly #writer = new JournalWriter();
  readonly #prefix: string;
  #sequence = 0;
  #files = 0;
  #fileBytes = 0;
  /** Of this hour's bytes, what may still be written. */
  #allowance: number;
  #allowedAtMs: number;
  #waiting = '';
  #writing: Promise<void> = Promise.resolve();
  #restsUntilMs = -Infinity;
  #leftOut = 0;
  #cancel: Cancel | undefined;
  #cancelArrivals: Cancel | undefined;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? DEFAULT_JOURNAL_LIMITS;
    this.#allowance = this.#limits.bytesPerHour;
    this.#allowedAtMs = parts.clock.nowMs();
    const since = new Date(this.#allowedAtMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    this.#prefix = `${since}-${process.pid}`;
  }

  /** Decisions that were not written. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Takes down one decision. It is on disk within about a second. */
  note(input: PlanInput, decision: ScalingDecision, atMs: number): void {
    if (atMs < this.#restsUntilMs) {
      this.#leftOut += 1;
      return;
    }
    if (this.#fileBytes >= this.#limits.fileBytes || this.#files === 0) this.#beginFile();
    this.#sequence += 1;
    const lines = this.#writer.linesOf(`${this.#prefix}-${this.#sequence}`, input, decision, atMs);
    const text = `${lines.join('\n')}\n`;
    if (!this.#takes(text.length, atMs)) {
      this.#leftOut += 1;
      this.#writer.begin(); // what was to be referred to may not have been written
      return;
    }
    this.#enqueue(text);
  }

  /**
   * Takes down how many requests come, from now on.
   *
   * @param read how many have come to each function until now
   */
  watchArrivals(read: () => ReadonlyMap<string, number>): void {
    const { clock } = this.#parts;
    let before = new Map(read());
    const look = (): void => {
      const now = new Map(read());
      const counts = [...now].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const);
      before = now;
      this.#noteArrivals(Object.fromEntries(counts.filter(([, count]) => count > 0)));
      this.#cancelArrivals = clock.at(clock.nowMs() + ARRIVALS_MS, look);
    };
    this.#cancelArrivals = clock.at(clock.nowMs() + ARRIVALS_MS, look);
  }

  #noteArrivals(counts: Readonly<Record<string, number>>): void {
    const atMs = this.#parts.clock.nowMs();
    if (Object.keys(counts).length === 0 || atMs < this.#restsUntilMs) return;
    if (this.#fileBytes >= this.#limits.fileBytes || this.#files === 0) this.#beginFile();
    this.#enqueue(`${arrivalsLine({ atMs, intervalMs: ARRIVALS_MS, counts })}\n`);
  }

  #enqueue(text: string): void {
    const { clock } = this.#parts;
    this.#waiting += text;
    this.#fileBytes += text.length;
    this.#cancel ??= clock.at(clock.nowMs() + FLUSH_MS, () => void this.flush());
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const text = this.#waiting;
    const file = this.#fileName;
    this.#waiting = '';
    if (text !== '') this.#writing = this.#writing.then(() => this.#append(file, text));
    await this.#writing;
  }

  async close(): Promise<void> {
    this.#cancelArrivals?.();
    await this.flush();
  }

  get #fileName(): string {
    return join(
      this.#parts.folder,
      `${this.#prefix}-${String(this.#files).padStart(4, '0')}${JOURNAL_SUFFIX}`,
    );
  }

  #beginFile(): void {
    void this.flush();
    this.#files += 1;
    this.#fileBytes = 0;
    this.#writer.begin();
    this.#writing = this.#writing.then(() => this.#prune());
  }

  #takes(bytes: number, nowMs: number): boolean {
    const { bytesPerHour } = this.#limits;
    const earned = ((nowMs - this.#allowedAtMs) / HOUR_MS) * bytesPerHour;
    this.#allowance = Math.min(bytesPerHour, this.#allowance + earned);
    this.#allowedAtMs = nowMs;
    if (bytes > this.#allowance) return false;
    this.#allowance -= bytes;
    return true;
  }

  async #append(file: string, text: string): Promise<void> {
    try {
      await mkdir(this.#parts.folder, { recursive: true });
      await appendFile(file, text);
    } catch (error) {
      const { logger, clock } = this.#parts;
      this.#restsUntilMs = clock.nowMs() + REST_MS;
      this.#leftOut += text.split('\n').filter((line) => line.includes('"type":"decision"')).length;
      this.#fileBytes = this.#limits.fileBytes; // a line may be cut off: the next one begins another file
      const reason = systemCode(error) ?? messageOf(error);
      logger.warn({ file, reason }, 'the journal cannot be written; decisions are left out of it');
    }
  }

  async #prune(): Promise<void> {
    const { folder } = this.#parts;
    const names = await journalFiles(folder);
    const sizes = await Promise.all(
      names.map(async (name) => (await stat(name).catch(() => undefined))?.size ?? 0),
    );
    let total = sizes.reduce((sum, size) => sum + size, 0);
    for (const [index, name] of names.entries()) {
      if (total <= this.#limits.totalBytes - this.#limits.fileBytes) return;
      await rm(name, { force: true }).catch(() => undefined); // another autoscaler may have been quicker
      total -= sizes[index]!;
    }
  }
}

/** Where the journal of an autoscaler is, that keeps its state in this folder. */
export function journalFolder(stateFolder: string): string {
  return join(stateFolder, 'journal');
}

/** The files of a journal, the oldest first; none where there is no such folder. */
export async function journalFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.endsWith(JOURNAL_SUFFIX))
    .sort()
    .map((name) => join(folder, name));
}
