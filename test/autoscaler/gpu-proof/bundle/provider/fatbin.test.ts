import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeVersions, keepCodeFor } from '../../../../../autoscaler/gpu-proof/bundle/provider/fatbin.ts';

interface Code {
  readonly sm: number;
  readonly bytes: Buffer;
  readonly headerBytes: number;
}

/** A container as nvcc writes it. */
function container(codes: readonly Code[]): Buffer {
  const entries = codes.map(({ sm, bytes, headerBytes }) => {
    const header = Buffer.alloc(headerBytes);
    header.writeUInt16LE(2, 0);
    header.writeUInt32LE(headerBytes, 4);
    header.writeBigUInt64LE(BigInt(bytes.length), 8);
    header.writeUInt32LE(sm, 28);
    return Buffer.concat([header, bytes]);
  });
  const body = Buffer.concat(entries);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(0xba55ed50, 0);
  header.writeUInt16LE(1, 4);
  header.writeUInt16LE(16, 6);
  header.writeBigUInt64LE(BigInt(body.length), 8);
  return Buffer.concat([header, body]);
}

/** What the CUDA runtime finds in a container that starts there. */
function read(section: Buffer, at: number): { readonly sm: number; readonly bytes: string }[] {
  expect(section.readUInt32LE(at)).toBe(0xba55ed50);
  const end = at + 16 + Number(section.readBigUInt64LE(at + 8));
  const found = [];
  for (let entry = at + 16; entry < end; ) {
    const from = entry + section.readUInt32LE(entry + 4);
    const to = from + Number(section.readBigUInt64LE(entry + 8));
    found.push({ sm: section.readUInt32LE(entry + 28), bytes: section.toString('hex', from, to) });
    entry = to;
  }
  return found;
}

const code = fc.record({
  sm: fc.constantFrom(75, 80, 90, 120),
  bytes: fc
    .uint8Array({ minLength: 8, maxLength: 40 })
    .map((bytes) => Buffer.from(bytes.subarray(0, bytes.length & ~7))),
  headerBytes: fc.constantFrom(64, 112),
});
const sections = fc.array(
  fc.record({ codes: fc.array(code, { minLength: 1, maxLength: 4 }), gap: fc.constantFrom(0, 8, 24) }),
  { minLength: 1, maxLength: 5 },
);

describe('keepCodeFor', () => {
  it('leaves the code of what is kept as it was, where it is looked for, and nothing else', () => {
    fc.assert(
      fc.property(sections, (containers) => {
        const whole = containers.map(({ codes, gap }) =>
          Buffer.concat([container(codes), Buffer.alloc(gap)]),
        );
        const section = Buffer.concat(whole);
        const before = Buffer.from(section);
        keepCodeFor(section, [90]);
        expect(section.length).toBe(before.length);
        let at = 0;
        for (const [index, { codes }] of containers.entries()) {
          const has90 = codes.some(({ sm }) => sm === 90);
          const expected = has90 ? codes.filter(({ sm }) => sm === 90) : codes;
          expect(read(section, at)).toEqual(
            expected.map(({ sm, bytes }) => ({ sm, bytes: bytes.toString('hex') })),
          );
          at += whole[index]!.length;
        }
      }),
    );
  });

  it('says how much it emptied, and which code is there', () => {
    const entry = (sm: number) => ({ sm, bytes: Buffer.alloc(80, sm), headerBytes: 64 });
    const section = Buffer.concat([container([entry(75), entry(90)]), container([entry(120)])]);
    expect(codeVersions(section)).toEqual([75, 90, 120]);
    expect(keepCodeFor(section, [90])).toEqual({ emptiedBytes: 144, keptBytes: 144 });
    expect(codeVersions(section)).toEqual([90, 120]);
  });

  it('leaves alone what it does not understand', () => {
    const damaged = container([{ sm: 75, bytes: Buffer.alloc(16), headerBytes: 64 }]);
    damaged.writeBigUInt64LE(1n << 40n, 16 + 8); // an entry that ends behind its container
    const before = Buffer.from(damaged);
    expect(keepCodeFor(damaged, [90])).toEqual({ emptiedBytes: 0, keptBytes: 0 });
    expect(damaged.equals(before)).toBe(true);
  });
});
