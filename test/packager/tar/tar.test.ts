import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tarOf } from '../../../packager/tar/tar.ts';
import type { TarEntry } from '../../../packager/tar/tar-entry.ts';
import { readTar, textFile } from '../oci/entries.ts';

const THEN = new Date(86_400_000);

async function bytesOf(entries: readonly TarEntry[], fromByte?: number): Promise<Buffer> {
  return buffer((await tarOf(entries, THEN)).open(fromByte));
}

describe('a tar', () => {
  it('holds files, folders and links, sorted, of nobody in particular, at one time', async () => {
    const found = await readTar(
      await bytesOf([
        { type: 'symlink', path: 'models/current', target: 'seven.onnx' },
        textFile('models/seven.onnx', 'weights', 0o600),
        textFile('bin/run', '#!', 0o4711),
        { type: 'directory', path: 'tmp', mode: 0o1777 },
      ]),
    );
    const common = { uid: 0, gid: 0, mtime: THEN, linkname: null, text: '' };
    expect(found).toEqual([
      { ...common, name: 'bin/', type: 'directory', mode: 0o755 },
      { ...common, name: 'bin/run', type: 'file', mode: 0o755, text: '#!' },
      { ...common, name: 'models/', type: 'directory', mode: 0o755 },
      { ...common, name: 'models/current', type: 'symlink', mode: 0o777, linkname: 'seven.onnx' },
      { ...common, name: 'models/seven.onnx', type: 'file', mode: 0o644, text: 'weights' },
      { ...common, name: 'tmp/', type: 'directory', mode: 0o1777 },
    ]);
  });

  it.each([
    ['long', `${'a'.repeat(120)}/${'b'.repeat(200)}`],
    ['of two bytes a letter', 'Gewächs/Größe'],
    ['as long as fits twice', `${'a'.repeat(90)}/${'b'.repeat(99)}`],
  ])('keeps a name that is %s, also for GNU tar', async (_, path) => {
    const bytes = await bytesOf([textFile(path, 'x')]);
    expect((await readTar(bytes)).at(-1)).toMatchObject({ name: path, text: 'x', mode: 0o644 });
    const listed = spawnSync('tar', ['--quoting-style=literal', '-tf', '-'], { input: bytes });
    expect(listed.stdout.toString().trim().split('\n').at(-1)).toBe(path);
  });

  it('announces files of more than 8 GiB, also to GNU tar', async () => {
    const sizeBytes = 9 * 2 ** 30;
    const huge: TarEntry = {
      type: 'file',
      path: 'huge',
      mode: 0o644,
      sizeBytes,
      open: () => Readable.from([]),
    };
    const tar = await tarOf([huge], THEN);
    expect(tar.sizeBytes).toBe(sizeBytes + 5 * 512); // two headers, the extended one's block, the end
    const head = tar.open().on('error', () => {}); // the content is missing, which is another test
    const first = (await head.iterator({ destroyOnReturn: true }).next()).value as Buffer;
    const listed = spawnSync('tar', ['-tvf', '-'], { input: first });
    expect(listed.stdout.toString()).toContain(` ${sizeBytes} `);
  });

  it('is the same whatever order the entries come in, and from any byte on', async () => {
    const path = fc.stringMatching(/^[a-z]{1,3}(\/[a-z]{1,3}){0,2}$/);
    const file = fc.tuple(path, fc.string({ maxLength: 2000 }));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(file, { selector: ([name]) => name, maxLength: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (files, part) => {
          const entries = files
            .filter(
              ([name]) =>
                !files.some(([other]) => name.startsWith(`${other}/`) || other.startsWith(`${name}/`)),
            )
            .map(([name, text]) => textFile(name, text));
          const whole = await bytesOf(entries);
          expect((await bytesOf(entries.toReversed())).equals(whole)).toBe(true);
          const fromByte = Math.round(part * whole.byteLength);
          expect((await bytesOf(entries, fromByte)).equals(whole.subarray(fromByte))).toBe(true);
          expect((await tarOf(entries, THEN)).sizeBytes).toBe(whole.byteLength);
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([
    ['../escape', '"../escape" is no path inside an image'],
    ['a/../../escape', '"a/../../escape" is no path inside an image'],
    ['/etc/passwd', '"/etc/passwd" is no path inside an image'],
    ['a//b', '"a//b" is no path inside an image'],
    ['a\0b', '"a\\u0000b" is no path inside an image'],
    ['', '"" is no path inside an image'],
    ['taken', 'Two files would lie at taken of the image'],
    ['taken/below', 'taken/below would lie below taken, which is no folder'],
    ['link/below', 'link/below would lie below link, which is no folder'],
  ])('refuses %j', async (path, message) => {
    const entries: TarEntry[] = [
      textFile('taken', ''),
      { type: 'symlink', path: 'link', target: '/etc' },
      textFile(path, ''),
    ];
    await expect(tarOf(entries, THEN)).rejects.toMatchObject({ code: 'INVALID_INPUT', message });
  });

  it.each([
    ['grows', 'more than', 'abcdefg'],
    ['shrinks', 'less than', 'ab'],
  ])('fails when a file %s meanwhile', async (_, wording, now) => {
    const changed = { ...textFile('model.onnx', 'abcd'), open: () => Readable.from([Buffer.from(now)]) };
    await expect(bytesOf([changed])).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: `model.onnx has ${wording} the 4 bytes it had a moment ago`,
    });
  });
});
