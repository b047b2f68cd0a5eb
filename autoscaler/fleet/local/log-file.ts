import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { type Clock, pause } from '../../../models/base/clock.ts';
import { systemCode } from '../../../models/base/errors.ts';
import type { LogLine, LogQuery } from '../platform.ts';

const READ_BYTES = 64 << 10;
/** A line that grows longer without an end is told in pieces. */
const LONGEST_LINE = 1 << 20;

/** Reads one instance's log from its beginning, and again whenever asked, what has been added. */
export class LogFile {
  readonly #file: string;
  readonly #instanceId: string;
  #offset = 0;
  /** When the last line was written: the next one is as old where it does not tell its own time. */
  #timestampMs: number | undefined;
  #decoder = new StringDecoder('utf8');
  #unfinished = '';

  constructor(file: string, instanceId: string) {
    this.#file = file;
    this.#instanceId = instanceId;
  }

  /**
   * The lines that have been added since the last call; nothing for a file that is gone.
   *
   * @param arrivedMs when they were printed, as far as is known, where they do not say so themselves
   */
  async *added(arrivedMs?: number): AsyncGenerator<LogLine> {
    const handle = await openIfPresent(this.#file);
    if (handle === undefined) return;
    try {
      const { size, birthtimeMs, mtimeMs } = await handle.stat();
      if (size < this.#offset) this.#startAnew();
      this.#timestampMs = arrivedMs ?? this.#timestampMs ?? (birthtimeMs || mtimeMs);
      const buffer = Buffer.alloc(READ_BYTES);
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, this.#offset);
        if (bytesRead === 0) return;
        this.#offset += bytesRead;
        yield* this.#lines(this.#decoder.write(buffer.subarray(0, bytesRead)));
      }
    } finally {
      await handle.close();
    }
  }

  /** What was printed without an end of line, as a line; for when nothing more is waited for. */
  *rest(): Generator<LogLine> {
    if (this.#unfinished !== '') yield this.#line(this.#unfinished);
    this.#unfinished = '';
  }

  /** It has been emptied because it had grown too long. */
  #startAnew(): void {
    this.#offset = 0;
    this.#unfinished = '';
    this.#decoder = new StringDecoder('utf8');
  }

  *#lines(text: string): Generator<LogLine> {
    const lines = (this.#unfinished + text).split('\n');
    this.#unfinished = lines.pop()!;
    for (const line of lines) yield this.#line(line);
    if (this.#unfinished.length > LONGEST_LINE) yield* this.rest();
  }

  #line(text: string): LogLine {
    this.#timestampMs = timeIn(text) ?? this.#timestampMs!;
    return { instanceId: this.#instanceId, timestampMs: this.#timestampMs, text: text.replace(/\r$/, '') };
  }
}

/** When a structured line says that it was written. */
function timeIn(text: string): number | undefined {
  const time = /^\{.*?"time":(\d{12,14})\b/.exec(text)?.[1];
  return time === undefined ? undefined : Number(time);
}

async function openIfPresent(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const LOOK_MS = 200;

/**
 * The logs of several instances as one: what there is, in the order of time, then, if it is to be followed,
 * what is added.
 *
 * @param files the files there are now, by instance: asked again and again while following
 */
export async function* readLogs(
  files: () => ReadonlyMap<string, string>,
  query: LogQuery,
  clock: Clock,
): AsyncGenerator<LogLine> {
  const { follow, signal, sinceMs = -Infinity } = query;
  let logs = new Map(Array.from(files(), ([id, file]) => [id, new LogFile(file, id)]));
  for await (const line of inOrder([...logs.values()].map((log) => beginning(log, query)))) {
    if (signal.aborted) return;
    yield line;
  }
  while (follow && !signal.aborted) {
    await pause(clock, LOOK_MS, signal);
    const known = logs;
    logs = new Map(Array.from(files(), ([id, file]) => [id, known.get(id) ?? new LogFile(file, id)]));
    for (const log of logs.values()) {
      for await (const line of log.added(clock.nowMs())) if (line.timestampMs >= sinceMs) yield line;
    }
  }
}

/** What is there of one instance, as far as it is asked for. */
async function* beginning(log: LogFile, query: LogQuery): AsyncGenerator<LogLine> {
  const { tailLines } = query;
  if (tailLines === undefined) {
    yield* present(log, query);
    return;
  }
  const newest: LogLine[] = [];
  for await (const line of present(log, query)) {
    newest.push(line);
    if (newest.length > tailLines) newest.shift();
  }
  yield* newest;
}

async function* present(log: LogFile, { follow, sinceMs = -Infinity }: LogQuery): AsyncGenerator<LogLine> {
  for await (const line of log.added()) if (line.timestampMs >= sinceMs) yield line;
  if (follow) return; // the end of an unfinished line may still come
  for (const line of log.rest()) if (line.timestampMs >= sinceMs) yield line;
}

/** Merges what is in order already, without holding more than a line of each. */
async function* inOrder(streams: readonly AsyncGenerator<LogLine>[]): AsyncGenerator<LogLine> {
  const heads: { readonly stream: AsyncGenerator<LogLine>; line: LogLine }[] = [];
  try {
    for (const stream of streams) {
      const { done, value } = await stream.next();
      if (!done) heads.push({ stream, line: value });
    }
    while (heads.length > 0) {
      const first = heads.reduce((a, b) => (b.line.timestampMs < a.line.timestampMs ? b : a));
      yield first.line;
      const { done, value } = await first.stream.next();
      if (done) heads.splice(heads.indexOf(first), 1);
      else first.line = value;
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.return(undefined))); // closes what is read half
  }
}
