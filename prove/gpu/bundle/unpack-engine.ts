import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { streamToFile } from '../../../models/base/files.ts';
import { unbrotli } from './brotli.ts';

/** Unpacks the engine's archive, which only Node.js can read, beside the packages that came first. */
export async function unpackEngine(archive: string): Promise<void> {
  const root = dirname(archive);
  const tar = extract();
  const feeding = pipeline(createReadStream(archive), unbrotli(), tar);
  feeding.catch(() => {}); // whoever reads the tar learns of it
  for await (const entry of tar) {
    const file = join(root, entry.header.name);
    if (entry.header.type === 'file') {
      await mkdir(dirname(file), { recursive: true });
      await streamToFile([Readable.from(entry, { objectMode: false })], file);
    } else {
      entry.resume();
    }
  }
  await feeding;
}
