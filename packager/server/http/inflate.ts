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
 * The coding that a body is sent in; undefined where it is plain.
 *
 * @param header `Content-Encoding` of a request
 * @throws HttpError 415 for codings that are not known, and for several in a row
 */
export function codingOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const coding = header.trim().toLowerCase();
  if (coding === '' || coding === 'identity') return undefined;
  if (Object.hasOwn(CODINGS, coding)) return coding;
  const shown = coding.length <= 40 ? coding : `${coding.slice(0, 40)}…`;
  const sentence = `Bodies with the content encoding "${shown}" are not taken here. Send it plain, or in gzip or deflate.`;
  throw new HttpError(415, sentence, { 'accept-encoding': 'gzip, deflate' });
}

/** Makes plain bytes of what is sent in a coding that {@link codingOf} knows. */
export function inflaterOf(coding: string): Gunzip | Inflate {
  return CODINGS[coding]!();
}
