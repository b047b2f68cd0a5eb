/** `8.9` as the numbers that a file of CUDA code carries: 89. */
export type SmVersion = number;

const MAGIC = 0xba55ed50;
const HEADER_BYTES = 16;
const ENTRY_SIZE_AT = 8;
const ENTRY_SM_AT = 28;

/**
 * Empties the machine code of all other GPUs in a section of CUDA code (`.nv_fatbin`), in place. Headers stay as they are, so that
 * offsets hold, and the CUDA runtime, which chooses by them, never comes to what was emptied: on a GPU of a kind that is kept nothing
 * changes, and zeros take no room in an archive.
 *
 * @returns the bytes that were emptied, and those of code that are kept
 */
export function keepCodeFor(
  section: Buffer,
  kept: readonly SmVersion[],
): { readonly emptiedBytes: number; readonly keptBytes: number } {
  let emptiedBytes = 0;
  let keptBytes = 0;
  for (const { sm, from, to } of machineCode(section)) {
    if (kept.includes(sm)) {
      keptBytes += to - from;
    } else {
      section.fill(0, from, to);
      emptiedBytes += to - from;
    }
  }
  return { emptiedBytes, keptBytes };
}

/** The GPUs that a section has code for, in order: emptied code does not count. */
export function codeVersions(section: Buffer): readonly SmVersion[] {
  const found = new Set<SmVersion>();
  for (const { sm, from, to } of machineCode(section)) {
    if (!found.has(sm) && section.subarray(from, to).some((byte) => byte !== 0)) found.add(sm);
  }
  return [...found].sort((a, b) => a - b);
}

/** Where the code of each GPU lies in the section. */
function* machineCode(section: Buffer): Generator<{ sm: SmVersion; from: number; to: number }> {
  for (let at = 0; at + HEADER_BYTES <= section.length; ) {
    if (section.readUInt32LE(at) !== MAGIC) {
      at += 8; // containers are aligned, with zeros in between
      continue;
    }
    const end = at + section.readUInt16LE(at + 6) + Number(section.readBigUInt64LE(at + 8));
    let entry = at + section.readUInt16LE(at + 6);
    while (entry + ENTRY_SM_AT + 4 <= end) {
      const from = entry + section.readUInt32LE(entry + 4);
      const to = from + Number(section.readBigUInt64LE(entry + ENTRY_SIZE_AT));
      yield { sm: section.readUInt32LE(entry + ENTRY_SM_AT), from, to };
      entry = to;
    }
    at = end;
  }
}
