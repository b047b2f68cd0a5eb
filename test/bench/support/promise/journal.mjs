import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What was measured, a line each: a run that is ended goes on from there. */
export class Journal {
  #file;
  #entries = new Map();

  constructor(file) {
    this.#file = file;
  }

  /** @param key of what is measured alike; lines that were cut off, and those of other settings, do not count */
  static async open(file, settings) {
    const journal = new Journal(file);
    await mkdir(dirname(file), { recursive: true });
    const text = await readFile(file, 'utf8').catch(() => '');
    const lines = text.split('\n').flatMap(parsed);
    if (JSON.stringify(lines[0]) === JSON.stringify({ settings })) {
      for (const { key, value } of lines.slice(1)) journal.#entries.set(key, value);
    } else {
      await rm(file, { force: true });
      await appendFile(file, `${JSON.stringify({ settings })}\n`);
    }
    return journal;
  }

  has(key) {
    return this.#entries.has(key);
  }

  get size() {
    return this.#entries.size;
  }

  /** The value of before or, where there is none, what `measure` gives. */
  async once(key, measure) {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const value = await measure();
    this.#entries.set(key, value);
    await appendFile(this.#file, `${JSON.stringify({ key, value })}\n`);
    return value;
  }

  /** A finished run leaves nothing to go on with. */
  async finish() {
    await rm(this.#file, { force: true });
  }
}

function parsed(line) {
  try {
    return line === '' ? [] : [JSON.parse(line)];
  } catch {
    return []; // cut off while it was written
  }
}
