import type { Readable } from 'node:stream';

/** No token and no error is longer; what is comes from something else than a registry. */
const MAX_TEXT_BYTES = 64 << 10;

/** The text of a short answer; of a long one its beginning. */
export async function readText({ body }: { readonly body: Readable }): Promise<string> {
  return (await readUpTo(body, MAX_TEXT_BYTES)).toString();
}

/** At most `maxBytes` (and the rest of the last chunk) of an answer; what comes after is not read. */
export async function readUpTo(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) break; // ends the stream
  }
  return Buffer.concat(chunks);
}

/** Undefined for what is no JSON: another machine's answer is held to a schema next, which tells it apart. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
