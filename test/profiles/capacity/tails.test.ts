import { randomGamma, randomLogNormal, randomNormal } from 'd3-random';
import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../../models/base/random.ts';
import { tailIntervals, tailWarnings, withTails } from '../../../profiles/capacity/tails.ts';
import { summarize } from '../../../profiles/statistics.ts';
import { cell, table } from '../sample-table.ts';

/** Draws times, and knows its p99. */
interface Distribution {
  readonly p99: number;
  readonly draw: () => number;
}

/** One distribution of a family; those of a table's cells differ a little. */
type Family = (random: Random) => Distribution;

/** By drawing often enough: exact to a percent. */
function known(draw: () => number): Distribution {
  const sorted = Float64Array.from({ length: 20_000 }, draw).sort();
  return { p99: sorted[19_799]!, draw };
}

const FAMILIES: Readonly<Record<string, Family>> = {
  'log-normal': (random) => {
    const sigma = 0.1 + 0.15 * random();
    return { p99: Math.exp(2.326 * sigma), draw: randomLogNormal.source(random)(0, sigma) };
  },
  gamma: (random) => known(randomGamma.source(random)(8 + 8 * random(), 1)),
  // Throttled in one of so many batches.
  bimodal: (random) => {
    const share = 0.03 + 0.1 * random();
    const normal = randomNormal.source(random)(1, 0.03);
    return known(() => Math.max(0.5, normal()) * (random() < share ? 1.8 : 1));
  },
};

const SAMPLES = [3, 10, 30, 100, 300, 1000, 3, 10, 30, 1000];
const TABLES = 60;

/** How often the true p99 is below the upper end, and above both ends, by the number of samples. */
function coverage(family: Family): Map<number, { above: number; narrow: number }> {
  const random = seededRandom(5);
  const some = Array.from({ length: 12 }, () => family(random));
  const counts = new Map(SAMPLES.map((samples) => [samples, { above: 0, ratio: 0, cells: 0 }]));
  for (let index = 0; index < TABLES; index += 1) {
    const distributions = SAMPLES.map(() => some[Math.floor(random() * some.length)]!);
    const cells = distributions.map(({ draw }, place) => {
      const samples = SAMPLES[place]!;
      const { p50, p99 } = summarize(Array.from({ length: samples }, draw), 0.95);
      return { p50Ms: p50, p99Ms: p99, samples };
    });
    for (const [place, [, high]] of tailIntervals(cells, 0.95).entries()) {
      const count = counts.get(SAMPLES[place]!)!;
      const { p99 } = distributions[place]!;
      count.cells += 1;
      count.ratio += high / p99;
      if (high < p99) count.above += 1;
    }
  }
  return new Map(
    [...counts].map(([samples, { above, ratio, cells }]) => [
      samples,
      { above: above / cells, narrow: ratio / cells },
    ]),
  );
}

describe('where the true p99 is', () => {
  it.each(Object.keys(FAMILIES))('is below the upper end: %s', (name) => {
    for (const [samples, { above, narrow }] of coverage(FAMILIES[name]!)) {
      expect({ samples, isRare: above <= 0.08, above }).toMatchObject({ isRare: true });
      // and the upper end is near enough to be of use
      expect({ samples, isNear: narrow < (samples < 100 ? 2 : 1.5), narrow }).toMatchObject({ isNear: true });
    }
  });

  it('is no longer in doubt after many samples, and in much of it after three', () => {
    const known = { p50Ms: 10, p99Ms: 15, samples: 100_000 };
    const [[low, high], [, few]] = tailIntervals([known, { ...known, p99Ms: 12, samples: 3 }], 0.95) as [
      [number, number],
      [number, number],
    ];
    expect(low).toBeGreaterThan(14.8);
    expect(high).toBeLessThan(15.2);
    expect(few).toBeGreaterThan(15);
  });

  it('has what was seen within', () => {
    const [[low, high]] = tailIntervals([{ p50Ms: 10, p99Ms: 200, samples: 3 }], 0.95) as [[number, number]];
    expect(low).toBeLessThanOrEqual(200);
    expect(high).toBeGreaterThanOrEqual(200);
  });
});

describe('a table with its tails', () => {
  it('tells of each cell the interval, and what is beyond its samples', () => {
    const cells = [cell(1, 1000, 10, { samples: 5000 }), cell(2, 1000, 18, { samples: 60 })];
    const predicted = cell(4, 1000, 34, { samples: 0, predicted: true });
    const [many, few, none] = withTails(table([...cells, predicted])).cells;
    expect(many!.latencyMs.extrapolated).toBeUndefined();
    expect(few!.latencyMs.extrapolated).toEqual(['p99', 'p99.9']);
    expect(none!.latencyMs.extrapolated).toEqual(['p95', 'p99', 'p99.9']);
    const width = ({ latencyMs }: typeof many & object): number => latencyMs.p99Interval![1] / latencyMs.p99;
    expect(width(many!)).toBeLessThan(1.05);
    expect(width(few!)).toBeGreaterThan(width(many!));
    expect(width(none!)).toBeGreaterThan(width(many!));
  });

  it('says the same when it is told twice', () => {
    const once = withTails(table([cell(1, 1000, 10), cell(2, 500, 18, { samples: 9 })]));
    expect(withTails(once)).toEqual(once);
  });
});

describe('a percentile beyond 99', () => {
  const many = cell(1, 1000, 10, { samples: 5000 });
  const few = cell(2, 1000, 18, { samples: 500 });
  const warned = (percentile: number, ...cells: (typeof many)[]) =>
    tailWarnings(withTails(table(cells)), 'net.json', percentile).join();

  it('has a warning where the table cannot tell it', () => {
    expect(warned(99.9, many, few)).toBe(
      'Profile table net.json cannot tell percentile 99.9 in 1 of its 2 cells: it takes 1000 samples. There it is extrapolated.',
    );
    expect(warned(99.5, few)).toMatch(/percentile 99\.5 in any of its cells:/);
    expect(warned(99.9, many)).toBe('');
    expect(warned(99, few)).toBe('');
  });
});
