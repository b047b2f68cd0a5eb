import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Part {
  readonly name: string;
  readonly sizeBytes: number;
  /** SHA-256 in hexadecimal. */
  readonly digest: string;
}

/** A whole, and the parts that it was cut into. */
export interface CutFile {
  readonly sizeBytes: number;
  readonly digest: string;
  readonly parts: readonly Part[];
}

/**
 * Cuts a stream into files `NAME.00`, `NAME.01`, … of at most so many bytes; earlier ones of that name are
 * gone.
 */
export async function cutIntoParts(
  source: Readable,
  folder: string,
  name: string,
  partBytes: number,
): Promise<CutFile> {
  const stale = (await readdir(folder)).filter(
    (file) => /^\.\d\d$/.test(file.slice(name.length)) && file.startsWith(name),
  );
  await Promise.all(stale.map((file) => rm(join(folder, file))));
  const whole = createHash('sha256');
  const parts: Part[] = [];
  let sizeBytes = 0;
  let open: PartWriter | undefined;
  await pipeline(
    source,
    new Writable({
      async write(chunk: Buffer, _encoding, done) {
        try {
          whole.update(chunk);
          sizeBytes += chunk.length;
          for (let rest = chunk; rest.length > 0; ) {
            open ??= new PartWriter(folder, `${name}.${String(parts.length).padStart(2, '0')}`);
            const taken = rest.subarray(0, partBytes - open.sizeBytes);
            await open.write(taken);
            rest = rest.subarray(taken.length);
            if (open.sizeBytes < partBytes) continue;
            parts.push(await open.close());
            open = undefined;
          }
          done();
        } catch (error) {
          done(error as Error);
        }
      },
    }),
  );
  if (open !== undefined) parts.push(await open.close());
  return { sizeBytes, digest: whole.digest('hex'), parts };
}

class PartWriter {
  readonly #name: string;
  readonly #stream;
  readonly #hash = createHash('sha256');
  sizeBytes = 0;

  constructor(folder: string, name: string) {
    this.#name = name;
    this.#stream = createWriteStream(join(folder, name));
  }

  write(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    this.sizeBytes += bytes.length;
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<Part> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.once('error', reject).end(resolve);
    });
    return { name: this.#name, sizeBytes: this.sizeBytes, digest: this.#hash.digest('hex') };
  }
}
