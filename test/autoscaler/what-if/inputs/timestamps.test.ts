import { describe, expect, it } from 'vitest';
import { holdsTimestamps, parseTimestamps } from '../../../../autoscaler/what-if/inputs/timestamps.ts';

const parse = (text: string, column = '1') => [...parseTimestamps(text, 'Trace t.csv', column)];

describe('a trace of timestamps', () => {
  it.each([
    ['seconds since 1970', '1700000000\n1700000000.25\n1700000002\n', [0, 250, 2_000]],
    ['milliseconds', '1700000000000\n1700000000250\n', [0, 250]],
    ['microseconds', '1700000000000000\n1700000000250000\n', [0, 250]],
    ['dates', '2026-05-01T12:00:00.000Z\n2026-05-01T12:00:01.500Z\n', [0, 1_500]],
    ['with a header', 'timestamp,user\n1700000001,a\n1700000000,b\n', [0, 1_000]],
  ])('is known by its numbers: %s', (_, text, times) => {
    expect(holdsTimestamps(text, '1')).toBe(true);
    expect(parse(text)).toEqual(times);
  });

  it('may be in any column, and count seconds from a start where that is said', () => {
    const text = 'user,at\na,10\nb,12.5\n';
    expect(holdsTimestamps(text, 'at')).toBe(false);
    expect(parse(text, 'at')).toEqual([0, 2_500]);
    expect(holdsTimestamps('user,at\na,1700000000\n', 'at')).toBe(true);
    expect(holdsTimestamps('5\n10\n', '1')).toBe(false);
  });

  it('names the line that is none', () => {
    expect(() => parse('1700000000\nsoon\n')).toThrow('Trace t.csv, line 2: "soon" is no timestamp');
    expect(() => parse('# nothing\n')).toThrow('Trace t.csv holds no timestamps');
  });
});
