import { describe, expect, it } from 'vitest';
import { namedRandom, namedSeed, seededRandom } from '../../../models/base/random.ts';

const first = (random: () => number, count: number): number[] => Array.from({ length: count }, random);

describe('a named stream', () => {
  it('is the same for the same seed and name, on every machine', () => {
    expect(first(namedRandom(1, 'arrivals', 'a'), 3)).toEqual(first(namedRandom(1, 'arrivals', 'a'), 3));
    expect(namedRandom(1, 'arrivals', 'a')()).toBe(0.3044905402886998);
    expect(namedSeed(1, 'policy')).toBe(namedSeed(1, 'policy'));
  });

  it('is another for another seed, purpose, name, or division of a name', () => {
    const names = [
      [1, 'x', 'ab'],
      [2, 'x', 'ab'],
      [1, 'y', 'ab'],
      [1, 'x', 'a', 'b'],
      [1, 'xa', 'b'],
    ] as const;
    const streams = names.map(([seed, ...name]) => first(namedRandom(seed, ...name), 4).join());
    expect(new Set(streams).size).toBe(names.length);
    expect(new Set(names.map(([seed, ...name]) => namedSeed(seed, ...name))).size).toBe(names.length);
  });

  it('shares no number with the others, nor with plain seeds, over a long stretch', () => {
    const seen = new Set<number>();
    const length = 20_000;
    const streams = [
      namedRandom(1, 'arrivals', 'a'),
      namedRandom(2, 'arrivals', 'a'),
      namedRandom(1, 'arrivals', 'b'),
      namedRandom(1, 'batch times', 'a'),
      seededRandom(1),
      seededRandom(2),
    ];
    for (const stream of streams) for (const each of first(stream, length)) seen.add(each);
    expect(seen.size).toBe(length * streams.length); // numbers of 53 bits: chance repeats none
  });
});
