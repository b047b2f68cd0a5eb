import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrivalsOfCounts, readAzure2019 } from '../../../../autoscaler/simulation/arrivals/azure-2019.ts';
import { collectArrivals, readAzure2021 } from '../../../../autoscaler/simulation/arrivals/azure-2021.ts';
import { type MmppState, meanRateOf, mmpp } from '../../../../autoscaler/simulation/arrivals/mmpp.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-traces-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(text: string): Promise<string> {
  files += 1;
  const path = join(folder, `${files}.csv`);
  await writeFile(path, text);
  return path;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('mmpp', () => {
  const STATES: readonly MmppState[] = [
    { ratePerSecond: 5, meanStayMs: 4_000 },
    { ratePerSecond: 100, meanStayMs: 1_000 },
    { ratePerSecond: 0, meanStayMs: 500 },
  ];

  function until(durationMs: number, seed: number): number[] {
    const times: number[] = [];
    for (const timeMs of mmpp(STATES, seed)) {
      if (timeMs >= durationMs) return times;
      times.push(timeMs);
    }
    throw new Error('it ended');
  }

  it('has the mean rate of its states, in ascending order, the same for a seed', () => {
    const times = until(4_000_000, 3);
    expect(times.length / 4000 / meanRateOf(STATES)).toBeCloseTo(1, 1);
    expect(times.every((time, index) => index === 0 || time >= times[index - 1]!)).toBe(true);
    expect(until(20_000, 3)).toEqual(times.filter((time) => time < 20_000));
    expect(until(20_000, 4)).not.toEqual(until(20_000, 3));
  });

  it('is burstier than Poisson arrivals', () => {
    const times = until(1_000_000, 5);
    const counts = new Float64Array(1000);
    for (const time of times) counts[Math.floor(time / 1000)]! += 1;
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
    expect(variance / mean).toBeGreaterThan(10); // 1 for Poisson's
  });

  it('is a Poisson process where it has one state', () => {
    const times: number[] = [];
    for (const time of mmpp([{ ratePerSecond: 50, meanStayMs: 100 }], 1)) {
      if (times.push(time) === 50_000) break;
    }
    const gaps = times.map((time, index) => time - (times[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean).toBeCloseTo(20, 0);
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  });
});

describe('Azure Functions 2019', () => {
  const HEADER = 'HashOwner,HashApp,HashFunction,Trigger,1,2,3\n';

  it('gives each function with its counts', async () => {
    const path = await file(`${HEADER}o,a,f,http,0,2,1\r\no,a,g,timer,1,1,1\n`);
    expect(await all(readAzure2019(path))).toEqual([
      { owner: 'o', app: 'a', functionId: 'f', trigger: 'http', perMinute: [0, 2, 1] },
      { owner: 'o', app: 'a', functionId: 'g', trigger: 'timer', perMinute: [1, 1, 1] },
    ]);
  });

  it('spreads counts over their minutes', () => {
    const times = [...arrivalsOfCounts([0, 200, 1], 1)];
    expect(times).toHaveLength(201);
    expect(times.filter((time) => time >= 60_000 && time < 120_000)).toHaveLength(200);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect([...arrivalsOfCounts([0, 200, 1], 1)]).toEqual(times);
  });

  it.each([
    ['', /is empty/],
    [
      'app,func,end_timestamp,duration\n',
      /is no Azure Functions 2019 trace: its header begins with "app,func/,
    ],
    [`${HEADER}o,a,f,http,0,x,1\n`, /line 2: "x" in minute 2 is no number of invocations/],
    [`${HEADER}o,a,f,http,0,1,2\no,a,f\n`, /line 3: it has no counts/],
  ])('says what is wrong with %j', async (text, message) => {
    await expect(all(readAzure2019(await file(text)))).rejects.toThrow(message);
  });

  it('names a file that is not there', async () => {
    await expect(all(readAzure2019(join(folder, 'none.csv')))).rejects.toThrow(/none\.csv cannot be read/);
  });
});

describe('Azure Functions 2021', () => {
  const HEADER = 'app,func,end_timestamp,duration\n';

  it('gives arrivals by function, from the first one on', async () => {
    const path = await file(`${HEADER}a,f,10.5,0.5\nb,f,9,1\na,f,9.75,1.5\n`);
    expect(await collectArrivals(readAzure2021(path))).toEqual([
      { app: 'a', functionId: 'f', arrivalsMs: Float64Array.of(250, 2000) },
      { app: 'b', functionId: 'f', arrivalsMs: Float64Array.of(0) },
    ]);
  });

  it.each([
    [`${HEADER}a,f,10\n`, /line 2: "a,f,10" is no invocation/],
    [`${HEADER}a,f,10,1\na,f,,1\n`, /line 3/],
    ['HashOwner,HashApp\n', /is no Azure Functions 2021 trace/],
  ])('says what is wrong with %j', async (text, message) => {
    await expect(all(readAzure2021(await file(text)))).rejects.toThrow(message);
  });
});
