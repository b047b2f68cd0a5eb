import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
import { HttpError } from './http-error.ts';

/** Few large pieces: each costs a turn of the thread that inflates. */
const CHUNK_BYTES = 64 << 10;

const CODINGS: Readonly<Record<string, () => Gunzip | Inflate>> = {
  gzip: () => createGunzip({ chunkSize: CHUNK_BYTES }),
  'x-gzip': () => createGunzip({ chunkSize: CHUNK_BYTES }), // the same by RFC 9110
  deflate: () => createInflate({ chunkSize: CHUNK_BYTES }),
};

/**
 * What makes plain bytes of a body that is sent in a coding; undefined where it is plain already.
 *
 * @param header `Content-Encoding` of a request
 * @throws HttpError 415 for codings that are not known, and for several in a row
 */
export function inflaterFor(header: string): Gunzip | Inflate | undefined {
  const coding = header.trim().toLowerCase();
  if (coding === '' || coding === 'identity') return undefined;
  if (!Object.hasOwn(CODINGS, coding)) {
    const shown = coding.length <= 40 ? coding : `${coding.slice(0, 40)}…`;
    const sentence = `Bodies with the content encoding "${shown}" are not taken here. Send it plain, or in gzip or deflate.`;
    throw new HttpError(415, sentence, { 'accept-encoding': 'gzip, deflate' });
  }
  return CODINGS[coding]!();
}
