/** `8.9` as the numbers that a file of CUDA code carries: 89. */
export type SmVersion = number;

const MAGIC = 0xba55ed50;
const HEADER_BYTES = 16;
const HEADER_SIZE_AT = 6;
const SIZE_AT = 8;
const ENTRY_HEADER_SIZE_AT = 4;
const ENTRY_SIZE_AT = 8;
const ENTRY_SM_AT = 28;

/** A unit of compilation: the same code for several GPUs. */
interface Container {
  readonly at: number;
  readonly headerBytes: number;
  readonly entries: readonly Entry[];
  readonly end: number;
}

/** Code for one kind of GPU, with its header. */
interface Entry {
  readonly sm: SmVersion;
  readonly from: number;
  readonly to: number;
}

/**
 * Leaves the machine code of some GPUs alone in a section of CUDA code (`.nv_fatbin`), in place: each
 * container stays where the library points to it and becomes shorter, and what was behind is zeros, which
 * take no room in an archive. A GPU that is kept is given the very code that it would be given otherwise.
 * Containers without code for any of them are left as they are, so that the CUDA runtime says of them what it
 * says otherwise.
 *
 * @returns the bytes that were emptied, and those of code that are kept
 */
export function keepCodeFor(
  section: Buffer,
  kept: readonly SmVersion[],
): { readonly emptiedBytes: number; readonly keptBytes: number } {
  let emptiedBytes = 0;
  let keptBytes = 0;
  for (const { at, headerBytes, entries, end } of [...containersOf(section)]) {
    const wanted = entries.filter(({ sm }) => kept.includes(sm));
    if (wanted.length === 0) continue;
    let to = at + headerBytes;
    for (const entry of wanted) {
      section.copyWithin(to, entry.from, entry.to);
      to += entry.to - entry.from;
    }
    section.writeBigUInt64LE(BigInt(to - at - headerBytes), at + SIZE_AT);
    section.fill(0, to, end);
    keptBytes += to - at - headerBytes;
    emptiedBytes += end - to;
  }
  return { emptiedBytes, keptBytes };
}

/** The GPUs that a section has code for, in order. */
export function codeVersions(section: Buffer): readonly SmVersion[] {
  const found = new Set<SmVersion>();
  for (const { entries } of containersOf(section)) for (const { sm } of entries) found.add(sm);
  return [...found].sort((a, b) => a - b);
}

function* containersOf(section: Buffer): Generator<Container> {
  for (let at = 0; at + HEADER_BYTES <= section.length; ) {
    if (section.readUInt32LE(at) !== MAGIC) {
      at += 8; // they are aligned, with zeros in between
      continue;
    }
    const headerBytes = section.readUInt16LE(at + HEADER_SIZE_AT);
    const end = at + headerBytes + Number(section.readBigUInt64LE(at + SIZE_AT));
    yield { at, headerBytes, entries: [...entriesIn(section, at + headerBytes, end)], end };
    at = end;
  }
}

function* entriesIn(section: Buffer, begin: number, end: number): Generator<Entry> {
  for (let from = begin; from + ENTRY_SM_AT + 4 <= end; ) {
    const headerBytes = section.readUInt32LE(from + ENTRY_HEADER_SIZE_AT);
    const to = from + headerBytes + Number(section.readBigUInt64LE(from + ENTRY_SIZE_AT));
    if (to <= from || to > end) return; // no such entry: what is behind is not ours to understand
    yield { sm: section.readUInt32LE(from + ENTRY_SM_AT), from, to };
    from = to;
  }
}
