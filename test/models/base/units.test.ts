import { describe, expect, it } from 'vitest';
import { parseBytes } from '../../../models/base/units.ts';

describe('amounts of memory', () => {
  it.each([
    ['64GB', 64e9],
    ['1.5 G', 1.5e9],
    ['512Mi', 512 * 2 ** 20],
    ['2TiB', 2 * 2 ** 40],
    ['900kB', 900_000],
  ])('reads %s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['64', '', '-1GB', 'GB', '0GB', '64 gigabytes', '5KB'])('refuses "%s"', (text) => {
    expect(() => parseBytes(text, 'memory')).toThrow(`memory "${text}" is not an amount of memory`);
  });
});
