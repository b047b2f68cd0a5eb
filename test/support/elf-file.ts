/** What a shared library says of itself. */
export interface ElfText {
  readonly soname?: string;
  readonly needed?: readonly string[];
  readonly runpath?: string;
  readonly rpath?: string;
  /** Sections with contents of their own. */
  readonly sections?: Readonly<Record<string, Uint8Array>>;
}

/** Where the file is loaded to: not where it lies, so that a reader has to tell addresses from offsets. */
const BASE = 0x400000n;

/** The bytes of a 64-bit library that says this and is nothing else: headers, a dynamic section, names. */
export function elfFile({ soname, needed = [], runpath, rpath, sections = {} }: ElfText): Buffer {
  const names = new Names();
  const tags: [bigint, bigint][] = needed.map((name) => [1n, names.add(name)]);
  if (soname !== undefined) tags.push([14n, names.add(soname)]);
  if (rpath !== undefined) tags.push([15n, names.add(rpath)]);
  if (runpath !== undefined) tags.push([29n, names.add(runpath)]);
  const dynamicAt = 64 + 2 * 56;
  const namesAt = dynamicAt + (tags.length + 3) * 16;
  tags.push([5n, BASE + BigInt(namesAt)], [10n, BigInt(names.bytes.length)], [0n, 0n]);
  const dynamic = Buffer.concat(tags.map(([tag, value]) => words(tag, value)));
  const body = Buffer.concat([dynamic, names.bytes]);
  const contents = Object.values(sections).map((bytes) => Buffer.from(bytes));
  const sectionNames = new Names();
  let at = dynamicAt + body.length;
  const headers = Object.keys(sections).map((name, index) => {
    const header = sectionHeader(sectionNames.add(name), at, contents[index]!.length);
    at += contents[index]!.length;
    return header;
  });
  const ownName = sectionNames.add('.shstrtab');
  headers.push(sectionHeader(ownName, at, sectionNames.bytes.length));
  const tableAt = at + sectionNames.bytes.length;
  return Buffer.concat([
    fileHeader(tableAt, headers.length),
    programHeader(1, 0, dynamicAt + body.length),
    programHeader(2, dynamicAt, dynamic.length),
    body,
    ...contents,
    sectionNames.bytes,
    ...headers,
  ]);
}

class Names {
  bytes = Buffer.alloc(1);

  add(name: string): bigint {
    const at = this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, Buffer.from(`${name}\0`)]);
    return BigInt(at);
  }
}

function fileHeader(sectionsAt: number, sections: number): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(62, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeBigUInt64LE(BigInt(sectionsAt), 40);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(2, 56);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(sections, 60);
  header.writeUInt16LE(sections - 1, 62);
  return header;
}

function programHeader(type: number, offset: number, size: number): Buffer {
  const header = Buffer.alloc(56);
  header.writeUInt32LE(type, 0);
  header.writeBigUInt64LE(BigInt(offset), 8);
  header.writeBigUInt64LE(BASE + BigInt(offset), 16);
  header.writeBigUInt64LE(BigInt(size), 32);
  header.writeBigUInt64LE(BigInt(size), 40);
  return header;
}

function sectionHeader(name: bigint, offset: number, size: number): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(Number(name), 0);
  header.writeUInt32LE(1, 4);
  header.writeBigUInt64LE(BigInt(offset), 24);
  header.writeBigUInt64LE(BigInt(size), 32);
  return header;
}

function words(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(value, 8 * index);
  return bytes;
}
