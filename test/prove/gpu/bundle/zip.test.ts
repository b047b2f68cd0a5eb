import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extractMembers } from '../../../../prove/gpu/bundle/zip.ts';
import { zip } from './registry-double.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-zip-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('extractMembers', () => {
  it('takes single files out, compressed and not, whatever is around them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.uint8Array({ maxLength: 2000 }), { minKeys: 1 }),
        fc.stringMatching(/^[ -~]{0,40}$/),
        async (files, comment) => {
          const archive = join(folder, 'archive.zip');
          const contents = Object.fromEntries(
            Object.entries(files).map(([name, bytes]) => [name, Buffer.concat([bytes, Buffer.alloc(500)])]),
          );
          await writeFile(archive, zip(contents, comment));
          const [name] = Object.keys(contents);
          const target = join(folder, 'member');
          await extractMembers(archive, new Map([[name!, target]]));
          expect(await readFile(target)).toEqual(contents[name!]);
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each([
    ['an empty file', Buffer.alloc(0), /it has no end record/],
    ['a text', Buffer.from('x'.repeat(5000)), /it has no end record/],
    ['an archive without the member', zip({ other: Buffer.from('x') }), /it has no wanted/],
  ])('refuses %s', async (_, bytes, sentence) => {
    const archive = join(folder, 'bad.zip');
    await writeFile(archive, bytes);
    await expect(extractMembers(archive, new Map([['wanted', join(folder, 'x')]]))).rejects.toThrow(sentence);
  });
});
