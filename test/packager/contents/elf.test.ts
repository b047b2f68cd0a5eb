import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InflessError } from '../../../models/base/errors.ts';
import { findElfSection, readElf } from '../../../packager/contents/runtime/elf.ts';
import { elfFile } from '../../support/elf-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'infless-elf-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(bytes: Uint8Array): string {
  const path = join(folder, 'library.so');
  writeFileSync(path, bytes);
  return path;
}

const linux = process.platform === 'linux';
const onnx = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
const engine = join(onnx, 'bin/napi-v6/linux/x64/libonnxruntime.so.1');

function hasReadelf(): boolean {
  try {
    execFileSync('readelf', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('readElf', () => {
  it('reads what a library is called, what it needs, and where it looks', async () => {
    const path = file(
      elfFile({ soname: 'libx.so.1', needed: ['liby.so.2', 'libc.so.6'], runpath: '$ORIGIN:/opt/lib' }),
    );
    expect(await readElf(path)).toEqual({
      soname: 'libx.so.1',
      needed: ['liby.so.2', 'libc.so.6'],
      searchPath: ['$ORIGIN', '/opt/lib'],
    });
  });

  it('knows that the older search path counts only without the newer one', async () => {
    expect((await readElf(file(elfFile({ rpath: '/old', runpath: '/new' })))).searchPath).toEqual(['/new']);
    expect((await readElf(file(elfFile({ rpath: '/old' })))).searchPath).toEqual(['/old']);
  });

  it('reads the engine, whatever machine it runs on', async () => {
    const { soname, needed, searchPath } = await readElf(engine);
    expect(soname).toBe('libonnxruntime.so.1');
    expect(needed).toContain('libc.so.6');
    expect(searchPath).toEqual(['$ORIGIN']);
  });

  it.skipIf(!linux || !hasReadelf()).each([engine, process.execPath])(
    'says of %s what readelf says',
    async (path) => {
      const text = execFileSync('readelf', ['-d', '-W', path], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      });
      const listed = (kind: string) =>
        [...text.matchAll(new RegExp(`\\(${kind}\\).*\\[(.*)\\]`, 'g'))].map((match) => match[1]!);
      const elf = await readElf(path);
      expect(elf.needed).toEqual(listed('NEEDED'));
      expect(elf.soname).toBe(listed('SONAME')[0]);
    },
  );

  it.each([
    [
      'a text',
      Buffer.from('#!/bin/sh\necho no library, though it is long enough to be taken for one by its size\n'),
    ],
    ['nothing', Buffer.alloc(0)],
    [
      'a library for 32-bit machines',
      Buffer.concat([Buffer.from('\x7fELF\x01\x01\x01', 'latin1'), Buffer.alloc(60)]),
    ],
  ])('refuses %s', async (_, bytes) => {
    await expect(readElf(file(bytes))).rejects.toThrow(/cannot be read as an ELF file/);
  });

  it('never fails in another way than by a sentence, whatever is broken', async () => {
    const whole = elfFile({
      soname: 'libx.so',
      needed: ['liby.so'],
      sections: { '.code': Buffer.alloc(64, 7) },
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(whole.length),
        async (changes, length) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          const path = file(bytes.subarray(0, length));
          for (const read of [readElf, (of: string) => findElfSection(of, '.code')]) {
            await read(path).catch((error: unknown) => expect(error).toBeInstanceOf(InflessError));
          }
        },
      ),
    );
  });
});

describe('findElfSection', () => {
  it('finds a section by its name', async () => {
    const path = file(
      elfFile({ sections: { '.first': Buffer.from('one'), '.second': Buffer.from('three') } }),
    );
    const section = await findElfSection(path, '.second');
    expect(section?.sizeBytes).toBe(5);
    const bytes = elfFile({ sections: { '.first': Buffer.from('one'), '.second': Buffer.from('three') } });
    expect(bytes.toString('latin1', section!.offset, section!.offset + 5)).toBe('three');
    expect(await findElfSection(path, '.third')).toBeUndefined();
  });
});
