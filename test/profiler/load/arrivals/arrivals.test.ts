import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ArrivalProcess, arrivals } from '../../../../profiler/load/arrivals/arrivals.ts';
import {
  constantRate,
  cutRate,
  durationOf,
  parseRamp,
  type RateCurve,
  rampedRate,
  scaleRate,
  steppedRate,
  totalCount,
} from '../../../../profiler/load/arrivals/rates.ts';
import { parseTrace, readTrace } from '../../../../profiler/load/arrivals/trace-file.ts';

const POISSON: ArrivalProcess = { type: 'poisson' };

function timesOf(curve: RateCurve, process: ArrivalProcess, seed = 1): number[] {
  return [...arrivals(curve, process, seed)];
}

function intervalsOf(times: readonly number[]): number[] {
  return times.slice(1).map((time, index) => time - times[index]!);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function cvOf(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2))) / center;
}

describe('arrivals at a constant rate', () => {
  it('constant: evenly spaced, exactly rate × duration', () => {
    const times = timesOf(constantRate(50, 1000), { type: 'constant' });
    expect(times).toHaveLength(50);
    expect(times[0]).toBeCloseTo(10, 9);
    for (const interval of intervalsOf(times)) expect(interval).toBeCloseTo(20, 9);
  });

  it.each([
    [{ type: 'poisson' }, 1],
    [{ type: 'gamma', cv: 0.5 }, 0.5],
    [{ type: 'gamma', cv: 2 }, 2],
    [{ type: 'gamma', cv: 4 }, 4],
  ] as const)('%o has its rate and a coefficient of variation of %d', (process, cv) => {
    const times = timesOf(constantRate(200, 1_000_000), process);
    expect(times.length / 1000 / 200).toBeCloseTo(1, 1);
    expect(cvOf(intervalsOf(times)) / cv).toBeCloseTo(1, 1);
  });

  it('Poisson counts vary as much as their mean; gamma with CV 2 four times as much', () => {
    const dispersion = (process: ArrivalProcess): number => {
      const counts = new Array<number>(2000).fill(0);
      for (const time of timesOf(constantRate(100, 2_000_000), process))
        counts[Math.floor(time / 1000)]! += 1;
      return (cvOf(counts) ** 2 * mean(counts)) as number;
    };
    expect(dispersion(POISSON)).toBeCloseTo(1, 0);
    expect(dispersion({ type: 'gamma', cv: 2 }) / 4).toBeCloseTo(1, 0);
  });

  it('bursty arrivals are in full swing from the start: the first second brings no more than any other', () => {
    const firstSecond = Array.from(
      { length: 3000 },
      (_, seed) => timesOf(constantRate(10, 1000), { type: 'gamma', cv: 3 }, seed).length,
    );
    // Starting with an arrival instead of in the stationary state would give 14.
    expect(mean(firstSecond)).toBeGreaterThan(9.3);
    expect(mean(firstSecond)).toBeLessThan(10.7);
  });

  it('draws lazily: an endless test costs nothing until it is asked for', () => {
    const endless = arrivals(constantRate(1e6, 1e12), POISSON, 1);
    expect(endless.next().value).toBeGreaterThan(0);
  });
});

describe('arrivals along a changing rate', () => {
  const shape = rampedRate(parseRamp('100@0s,500@10s,0@20s,0@25s,200@30s'));

  it('follow it second by second', () => {
    const runs = 40;
    const counts = new Array<number>(30).fill(0);
    for (let seed = 0; seed < runs; seed += 1) {
      for (const time of timesOf(shape, POISSON, seed)) counts[Math.floor(time / 1000)]! += 1 / runs;
    }
    counts.forEach((count, second) => {
      const expected =
        totalCount(cutRate(shape, (second + 1) * 1000)) - totalCount(cutRate(shape, second * 1000));
      // Five standard deviations of a mean of `runs` Poisson counts.
      expect(Math.abs(count - expected)).toBeLessThanOrEqual(5 * Math.sqrt(expected / runs) + 1e-9);
    });
  });

  it('stay evenly spaced in expected count when constant', () => {
    const times = timesOf(shape, { type: 'constant' });
    times.forEach((time, index) => {
      expect(totalCount(cutRate(shape, time))).toBeCloseTo(index + 0.5, 6);
    });
    expect(times).toHaveLength(Math.round(totalCount(shape)));
  });

  it('are sorted, inside the curve and the same for the same seed, whatever the curve', () => {
    const rate = fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 500, noNaN: true }));
    const point = fc.tuple(fc.integer({ min: 1, max: 3000 }), rate);
    const process = fc.oneof(
      fc.constant<ArrivalProcess>({ type: 'constant' }),
      fc.constant<ArrivalProcess>(POISSON),
      fc.double({ min: 0.1, max: 8, noNaN: true }).map((cv): ArrivalProcess => ({ type: 'gamma', cv })),
    );
    fc.assert(
      fc.property(
        fc.array(point, { minLength: 2, maxLength: 6 }),
        process,
        fc.integer(),
        (steps, kind, seed) => {
          let atMs = 0;
          const curve = rampedRate(
            steps.map(([stepMs, pointRate]) => {
              atMs += stepMs;
              return { atMs, rate: pointRate };
            }),
          );
          const times = timesOf(curve, kind, seed);
          expect(times.every((time) => time >= 0 && time <= durationOf(curve))).toBe(true);
          expect(intervalsOf(times).every((interval) => interval >= 0)).toBe(true);
          expect(timesOf(curve, kind, seed)).toEqual(times);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('differ between seeds', () => {
    expect(timesOf(shape, POISSON, 1)).not.toEqual(timesOf(shape, POISSON, 2));
  });
});

describe('rate curves', () => {
  it('scale and cut', () => {
    const curve = cutRate(scaleRate(rampedRate(parseRamp('0@0s,10@10s')), 2), 5000);
    expect(curve).toEqual([{ fromMs: 0, toMs: 5000, fromRate: 0, toRate: 10 }]);
  });

  it.each([
    ['10', '"10" is not RATE@TIME'],
    ['10@1s', 'it takes two points or more'],
    ['10@5s,20@1s', 'times must ascend'],
    ['x@0s,20@1s', 'is not a number of requests per second'],
    ['1@0,20@1s', 'is not a duration'],
  ])('refuse the ramp %s', (text, why) => {
    expect(() => parseRamp(text)).toThrow(why);
  });
});

describe('rate traces', () => {
  it('are one rate per line', () => {
    expect(parseTrace('# rates\n5\n\n5.70000000\r\n0\n', 'Trace')).toEqual([5, 5.7, 0]);
  });

  it('or a column of CSV, by number or name', () => {
    const csv = 'second,rps\n1,125\n2,209\n';
    expect(parseTrace(csv, 'Trace', '2')).toEqual([125, 209]);
    expect(parseTrace(csv, 'Trace', 'rps')).toEqual([125, 209]);
    expect(() => parseTrace(csv, 'Trace', 'rate')).toThrow('Trace has no column "rate"');
  });

  it('say which line is wrong', () => {
    expect(() => parseTrace('1\n2\nthree\n', 'Trace')).toThrow('Trace, line 3: "three" is not a rate');
    expect(() => parseTrace('1\n-2\n', 'Trace')).toThrow('Trace, line 2: "-2" is not a rate');
    expect(() => parseTrace('\n', 'Trace')).toThrow('Trace holds no rates');
  });

  it('say that the file is missing', async () => {
    await expect(readTrace('/nowhere/trace.txt')).rejects.toThrow('does not exist');
  });

  const published = process.env.INFLESS_PAPER_DATA ?? '';
  it.skipIf(!existsSync(published))(
    'read the published ones (INFLESS_PAPER_DATA is not a folder)',
    async () => {
      const rates = await readTrace(join(published, 'Bursty.txt'));
      expect(rates).toHaveLength(1007);
      const times = timesOf(steppedRate(rates, 1000), POISSON);
      expect(times.length / totalCount(steppedRate(rates, 1000))).toBeCloseTo(1, 1);
    },
  );
});
