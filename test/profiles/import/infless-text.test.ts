import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toInflessText } from '../../../profiles/formats/index.ts';
import { implausible, type MeasuredTime } from '../../../profiles/import/implausible.ts';
import { importInflessText, readInflessText } from '../../../profiles/import/infless-text.ts';
import { ProfileView } from '../../../profiles/lookup.ts';
import { profileTableSchema } from '../../../profiles/table.ts';
import { NO_PAPER_DATA, paperData } from '../../support/paper-data.ts';
import { cell, table } from '../sample-table.ts';

/**
 * A surface as models have: a part that batches share, a part a request, both quicker with more CPU and GPU.
 */
function surface(fixedMs: number, perRequestMs: number, cpuExponent: number): MeasuredTime[] {
  return [0, 10, 30, 50].flatMap((gpuPercent) =>
    [1000, 2000, 4000, 8000].flatMap((cpuMillicores) =>
      [1, 2, 4, 8, 16].map((batch) => {
        const speed = (cpuMillicores / 1000) ** cpuExponent * (1 + gpuPercent / 20);
        return {
          batch,
          cpuMillicores,
          gpuPercent,
          latencyMs: (fixedMs + perRequestMs * batch) / speed,
        };
      }),
    ),
  );
}

const surfaces = fc
  .tuple(
    fc.double({ min: 1, max: 200, noNaN: true }),
    fc.double({ min: 0.5, max: 100, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([fixed, perRequest, exponent]) => surface(fixed, perRequest, exponent));

describe('implausible', () => {
  it('believes every table that scales at most linearly, noise included', () => {
    fc.assert(
      fc.property(
        surfaces,
        fc.infiniteStream(fc.double({ min: 0.6, max: 1.6, noNaN: true })),
        (times, noise) => {
          const measured = times.map((time) => ({
            ...time,
            latencyMs: time.latencyMs * (noise.next().value as number),
          }));
          expect(implausible(measured)).not.toContain(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('finds the large batches that were recorded with a time-out, without knowing the time-out', () => {
    fc.assert(
      fc.property(
        surfaces,
        fc.double({ min: 30, max: 1000, noNaN: true }),
        fc.nat(2),
        (times, factor, spread) => {
          const timeoutMs = factor * Math.max(...times.map(({ latencyMs }) => latencyMs));
          const measured = times.map((time, index) => {
            const neverFilled = time.batch > 2 * (time.cpuMillicores / 1000);
            return neverFilled ? { ...time, latencyMs: timeoutMs * (1 + (spread * (index % 7)) / 7) } : time;
          });
          expect(implausible(measured)).toEqual(times.map((time, i) => time !== measured[i]));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('finds one that is far too quick', () => {
    const times = surface(20, 10, 0.5).map((time, i) => (i === 7 ? { ...time, latencyMs: 0.01 } : time));
    expect(implausible(times).flatMap((wrong, i) => (wrong ? [i] : []))).toEqual([7]);
  });
});

const LINES = `
# model threads gpu batch latency
net 2 0 1 40.5
net 2 0 2 60
net 2 0 4 9999
net 4 0 1 30
net 4 0 2 40
net 4 0 4 70 
net 4 0 4 71
net 2 10 1 0
net 2 10 2 12
other 1 0 1 5
`;

describe('importInflessText', () => {
  it('gives a table for each model and names the lines it leaves out', () => {
    const [net, other] = importInflessText(LINES, { startupMs: 800, memoryBytes: 5e8 });
    expect(net!.dropped).toEqual([
      { line: 5, text: 'net 2 0 4 9999', reason: 'implausible' },
      { line: 9, text: 'net 4 0 4 71', reason: 'repeated' },
      { line: 10, text: 'net 2 10 1 0', reason: 'not positive' },
    ]);
    expect(profileTableSchema.parse(net!.table).cells).toHaveLength(6);
    expect(other!.table.model.name).toBe('other');
    const view = new ProfileView(net!.table);
    const config = { batch: 2, cpuMillicores: 2000, gpuPercent: 0 };
    expect(view.executionMs(config, 2, 0.99)).toBe(60);
    expect(view.startupMs(config)).toBe(800);
    expect(view.memoryBytes(config)).toBe(5e8);
  });

  it('reads what infless-profile writes', () => {
    const original = table([cell(1, 500, 40), cell(4, 500, 90), cell(1, 2000, 15)]);
    const { cells } = importInflessText(toInflessText(original))[0]!.table;
    expect(cells.map(({ latencyMs }) => latencyMs.mean)).toEqual([42, 94.5, 15.75]);
    expect(cells.map(({ cpuMillicores }) => cpuMillicores)).toEqual([500, 500, 2000]);
  });

  it.each([
    ['', /holds no measurements/],
    ['net 2 0 1\n', /line 1: "net 2 0 1" is not a measurement/],
    ['net 2 0 1 5\nnet 2 0 x 5\n', /line 2/],
    ['net 2 0 1 0\n', /no latency of net that can be one/],
  ])('refuses %j', (text, message) => {
    expect(() => importInflessText(text)).toThrow(message);
  });

  it('names a file that is not there', async () => {
    await expect(readInflessText('nowhere.txt')).rejects.toThrow(/nowhere\.txt does not exist/);
  });

  it('drops the seconds of the published tables, and nothing else', async (context) => {
    if (paperData === undefined) return context.skip(NO_PAPER_DATA);
    for (const name of ['ssd', 'mobilenet', 'resnet-50', 'textcnn-69', 'lstm-maxclass-2365']) {
      const [imported] = await readInflessText(join(paperData, `${name}-profile-results.txt`));
      const latencyOf = (text: string): number => Number(text.split(/\s+/).at(-1));
      expect(Math.min(...imported!.dropped.map(({ text }) => latencyOf(text)))).toBeGreaterThan(4000);
      expect(Math.max(...imported!.table.cells.map(({ latencyMs }) => latencyMs.mean))).toBeLessThan(1000);
    }
  });
});
