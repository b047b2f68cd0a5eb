import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { systemCode } from '../../../models/base/errors.ts';
import type { LogLine } from '../platform.ts';

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
