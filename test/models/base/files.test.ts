import { readdirSync, readFileSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { cannotWrite, streamToFile, writeFileSafely } from '../../../models/base/files.ts';
import { mountDisk } from '../../support/tools.ts';

/** Leaves that many bytes free on a disk. */
function fill(disk: string, freeBytes: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - freeBytes));
}

describe('on a disk that is nearly full', () => {
  it('a file is written whole or not at all', async (context) => {
    const disk = mountDisk(context, 256);
    const file = join(disk, 'state.json');
    await writeFileSafely(file, 'old');
    fill(disk, 16 << 10); // a part of what follows has room
    for (const content of ['x'.repeat(64 << 10), new Uint8Array(64 << 10)]) {
      await expect(writeFileSafely(file, content, 'Look elsewhere.')).rejects.toMatchObject({
        code: 'STORAGE_FAILED',
        sentence: `The disk of ${disk} is full: file ${file} cannot be written (ENOSPC). Look elsewhere.`,
      });
    }
    const source = Readable.from([Buffer.alloc(64 << 10)]);
    await expect(streamToFile([source], file)).rejects.toMatchObject({
      message: expect.stringMatching(/^The disk of .* is full: file .* cannot be written \(ENOSPC\)$/),
    });
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(disk).sort()).toEqual(['filler', 'state.json']);
    truncateSync(join(disk, 'filler'));
    await writeFileSafely(file, new Uint8Array([0, 1, 2, 3]).subarray(1, 3));
    expect([...readFileSync(file)]).toEqual([1, 2]);
  });
});

it('other failures to write are told as they are', () => {
  const system = (code: string) => Object.assign(new Error(code), { code });
  const sentence = (code: string) =>
    cannotWrite('Journal', '/data/a', system(code), 'Look elsewhere.').message;
  expect(sentence('EROFS')).toBe('Journal /data/a cannot be written (EROFS)');
  expect(sentence('EDQUOT')).toBe(
    'Your quota on the disk of /data is used up: journal /data/a cannot be written (EDQUOT)',
  );
});
