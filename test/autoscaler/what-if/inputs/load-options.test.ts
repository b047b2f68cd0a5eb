import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  arrivalsOf,
  durationMsOf,
  expectedRequests,
  type Load,
  peakPerSecond,
} from '../../../../autoscaler/what-if/inputs/load.ts';
import { CALL_OPTIONS, readLoads } from '../../../../autoscaler/what-if/inputs/load-options.ts';
import { cutCommandLine, valuesOf } from '../../../../models/base/command-line/read-options.ts';
import { constantRate, steppedRate } from '../../../../profiler/load/arrivals/rates.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-loads-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const POISSON = { type: 'poisson' } as const;

async function read(names: readonly string[], options: Readonly<Record<string, string | readonly string[]>>) {
  const args = Object.entries(options).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => [`--${name}`, value]),
  );
  const program = { options: CALL_OPTIONS };
  return readLoads(names, valuesOf(program, cutCommandLine(program, args, 'plan'), 'plan', {}));
}

describe('whose load is what', () => {
  it('is said for all functions, or for one by its name', async () => {
    const trace = await file('rates.txt', '1\n2\n3\n');
    const { byFunction, durationMs } = await read(['a', 'b', 'c'], {
      rate: ['5'],
      ramp: ['b=1@0s,9@8s'],
      trace: [`c=${trace}`],
      interval: '2s',
    });
    expect(durationMs).toBe(8_000);
    expect(byFunction.get('a')).toEqual({ type: 'rate', curve: constantRate(5, 8_000) });
    expect(peakPerSecond(byFunction.get('b')!)).toBe(9);
    expect(byFunction.get('c')).toEqual({ type: 'rate', curve: steppedRate([1, 2, 3], 2_000) });
  });

  it('scales rates and cuts them to the duration asked for', async () => {
    const trace = await file('rates.csv', 'time,rps\n0,10\n1,20\n2,30\n');
    const { byFunction, durationMs } = await read(['a'], {
      trace: [trace],
      column: 'rps',
      scale: '2',
      duration: '2s',
    });
    expect(durationMs).toBe(2_000);
    expect(byFunction.get('a')).toEqual({ type: 'rate', curve: steppedRate([20, 40], 1_000) });
  });

  it('takes dates for the times of requests, and huge rates for a mistake', async () => {
    const trace = await file('times.csv', 'timestamp\n1700000000.5\n1700000003\n');
    const { byFunction, durationMs } = await read(['a'], { trace: [trace] });
    expect(byFunction.get('a')).toEqual({ type: 'times', timesMs: new Float64Array([0, 2_500]) });
    expect(durationMs).toBe(2_501);
    await expect(read(['a'], { trace: [trace], 'trace-format': 'rates' })).rejects.toThrow(
      'line 2: 1700000000.5 requests per second are more than anyone sends',
    );
    await expect(read(['a'], { trace: [trace], scale: '2' })).rejects.toThrow('cannot be scaled');
  });

  it('lasts ten minutes where nothing says how long', async () => {
    expect((await read(['a'], { rate: ['5'] })).durationMs).toBe(600_000);
  });

  it.each([
    [{}, 'Nothing says who calls function "a"'],
    [{ rate: ['b=3'] }, '--rate b=3 is for a function that is not declared'],
    [{ rate: ['3', '4'] }, 'The load of all functions is given twice'],
    [{ rate: ['a=3'], ramp: ['a=1@0s,2@1s'] }, 'The load of function "a" is given twice'],
    [{ rate: ['many'] }, 'The --rate "many" is not a number of requests per second'],
    [{ rate: ['1'], scale: 'x' }, 'The --scale "x" is not a number'],
    [{ rate: ['1'], duration: '0s' }, '--duration must be longer than 0'],
    [{ trace: ['no-such.txt'] }, 'Rate trace no-such.txt does not exist'],
    [{ azure: ['no-such.csv'] }, 'Azure Functions trace no-such.csv does not exist'],
  ])('%j is refused', async (options, message) => {
    await expect(read(['a'], options)).rejects.toThrow(message);
  });

  it('refuses a trace with text in it, naming the line', async () => {
    const trace = await file('text.txt', '1\n2\nthree\n');
    await expect(read(['a'], { trace: [trace] })).rejects.toThrow(/text\.txt, line 3: "three" is not a rate/);
  });
});

describe('Azure Functions traces', () => {
  const counts = (id: string, perMinute: readonly number[]): string =>
    `o,app,${id},http,${perMinute.join(',')}\n`;
  const header2019 = 'HashOwner,HashApp,HashFunction,Trigger,1,2\n';

  it('of 2019 give rates by the minute: the busiest functions, or those named by the beginning of their id', async () => {
    const rows = [
      counts('aaa1', [60, 120]),
      counts('bbb2', [600, 0]),
      counts('ccc3', [6, 6]),
      counts('ddd4', [0, 240]),
    ];
    const trace = await file('2019.csv', header2019 + rows.join(''));
    const { byFunction, durationMs } = await read(['x', 'y', 'z'], {
      azure: [trace, `y=${trace}#ccc`],
      scale: '2',
    });
    expect(durationMs).toBe(120_000);
    expect(byFunction.get('x')).toEqual({ type: 'rate', curve: steppedRate([20, 0], 60_000) });
    expect(byFunction.get('y')).toEqual({ type: 'rate', curve: steppedRate([0.2, 0.2], 60_000) });
    expect(byFunction.get('z')).toEqual({ type: 'rate', curve: steppedRate([0, 8], 60_000) });
  });

  it('of 2021 give the recorded times, busiest function first, and cannot be scaled', async () => {
    const trace = await file(
      '2021.csv',
      'app,func,end_timestamp,duration\nA,f,10,2\nA,g,9,4\nA,g,30,1\nA,g,12.5,0.5\n',
    );
    const { byFunction, durationMs } = await read(['x', 'y'], { azure: [trace] });
    expect(byFunction.get('x')).toEqual({ type: 'times', timesMs: Float64Array.of(0, 7_000, 24_000) });
    expect(byFunction.get('y')).toEqual({ type: 'times', timesMs: Float64Array.of(3_000) });
    expect(durationMs).toBe(24_001);
    await expect(read(['x'], { azure: [trace], scale: '2' })).rejects.toThrow('cannot be scaled');
  });

  it('must have enough functions, and the ones named, once', async () => {
    const trace = await file('few.csv', header2019 + counts('ab1', [1, 1]) + counts('ab2', [2, 2]));
    await expect(read(['x', 'y', 'z'], { azure: [trace] })).rejects.toThrow('has only 2 functions');
    await expect(read(['x'], { azure: [`${trace}#q`] })).rejects.toThrow('has no function with an id of "q"');
    await expect(read(['x'], { azure: [`${trace}#ab`] })).rejects.toThrow(
      'has 2 functions with an id of "ab"',
    );
  });
});

describe('arrivals of a load', () => {
  it('come around its rate, after a warm-up at its first level', () => {
    const load: Load = { type: 'rate', curve: steppedRate([50, 200], 20_000) };
    const times = [...arrivalsOf(load, POISSON, 10_000, 1)];
    const countIn = (fromMs: number, toMs: number): number =>
      times.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
    expect(Math.abs(countIn(0, 10_000) - 500)).toBeLessThan(90);
    expect(Math.abs(countIn(10_000, 30_000) - 1_000)).toBeLessThan(130);
    expect(Math.abs(countIn(30_000, 50_000) - 4_000)).toBeLessThan(260);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(50_000);
    expect(expectedRequests(load, 40_000)).toBe(5_000);
    expect([durationMsOf(load), peakPerSecond(load)]).toEqual([40_000, 200]);
  });

  it('come when they were recorded, later by the warm-up', () => {
    const load: Load = { type: 'times', timesMs: Float64Array.of(0, 100, 20_000, 20_500, 21_000) };
    expect([...arrivalsOf(load, POISSON, 0, 1)]).toEqual([0, 100, 20_000, 20_500, 21_000]);
    const warmed = [...arrivalsOf(load, POISSON, 60_000, 1)];
    expect(warmed.slice(-5)).toEqual([60_000, 60_100, 80_000, 80_500, 81_000]);
    expect(warmed.slice(0, -5).every((atMs) => atMs < 60_000)).toBe(true);
    expect(expectedRequests(load, 20_500)).toBe(3);
    expect(peakPerSecond(load)).toBeCloseTo(0.3, 12);
  });
});
