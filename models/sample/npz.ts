import { inflateRawSync } from 'node:zlib';
import { InflessError, messageOf } from '../base/errors.ts';
import type { NamedTensors } from '../manifest/tensor.ts';
import { readNpy } from './npy.ts';

const END = 0x0605_4b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const CENTRAL = 0x0201_4b50;
const CENTRAL_BYTES = 46;
const LOCAL = 0x0403_4b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/** A small archive may unpack to anything: more than this is no request. */
const MOST_BYTES = 256 << 20;

/**
 * Reads arrays by name as `numpy.savez` and `numpy.savez_compressed` write them: a zip archive of .npy files.
 *
 * @param what what it is called in sentences: `Sample x.npz`
 * @throws InflessError INVALID_INPUT
 */
export function readNpz(bytes: Uint8Array, what: string): NamedTensors {
  const archive = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let left = MOST_BYTES;
  const tensors = membersOf(archive, what).map((member): [string, NamedTensors[string]] => {
    const content = contentOf(archive, member, what, left);
    left -= content.byteLength;
    const name = member.name.replace(/\.npy$/, '');
    return [name, readNpy(content, `${what}, array "${name}",`)];
  });
  return Object.fromEntries(tensors);
}

interface Member {
  readonly name: string;
  readonly method: number;
  readonly packedBytes: number;
  readonly headerAt: number;
}

function membersOf(archive: Buffer, what: string): Member[] {
  let end = archive.length - END_BYTES;
  const first = Math.max(0, end - LONGEST_COMMENT);
  while (end >= first && archive.readUInt32LE(end) !== END) end -= 1;
  if (end < first) throw damaged(what, 'is no .npz file');
  const members: Member[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (at + CENTRAL_BYTES > archive.length || archive.readUInt32LE(at) !== CENTRAL) {
      throw damaged(what, 'has a damaged directory');
    }
    const nameBytes = archive.readUInt16LE(at + 28);
    members.push({
      name: archive.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes),
      method: archive.readUInt16LE(at + 10),
      packedBytes: archive.readUInt32LE(at + 20),
      headerAt: archive.readUInt32LE(at + 42),
    });
    at += CENTRAL_BYTES + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return members;
}

function contentOf(
  archive: Buffer,
  { name, method, packedBytes, headerAt }: Member,
  what: string,
  most: number,
) {
  const start = headerAt + LOCAL_BYTES;
  if (start > archive.length || archive.readUInt32LE(headerAt) !== LOCAL)
    throw damaged(what, `lacks ${name}`);
  const from = start + archive.readUInt16LE(headerAt + 26) + archive.readUInt16LE(headerAt + 28);
  const packed = archive.subarray(from, from + packedBytes);
  if (packed.length < packedBytes) throw damaged(what, `ends within ${name}`);
  if (method === STORED) return packed;
  if (method !== DEFLATED) throw damaged(what, `has ${name} compressed in a way that NumPy does not`);
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, most) });
  } catch (error) {
    throw damaged(what, `has ${name}, which cannot be unpacked (${messageOf(error)})`);
  }
}

function damaged(what: string, why: string): InflessError {
  return new InflessError('INVALID_INPUT', `${what} ${why}`, { remedy: 'Write it with numpy.savez.' });
}
