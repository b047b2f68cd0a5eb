import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARRIVALS_MS, Journal } from '../../../../autoscaler/journal/journal.ts';
import { rateOf, readJournalLoad } from '../../../../autoscaler/what-if/inputs/journal-load.ts';
import { expectedRequests } from '../../../../autoscaler/what-if/inputs/load.ts';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';
import { totalCount } from '../../../../profiler/load/arrivals/rates.ts';

describe('requests of a journal', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'infless-journal-load-'));
    const clock = new VirtualClock(Date.parse('2026-01-31T12:00:00Z'));
    const journal = new Journal({ folder, clock, logger: pino({ level: 'silent' }) });
    const arrived = new Map([['web', 5]]); // before it looked
    journal.watchArrivals(() => arrived);
    for (const [web, other] of [
      [20, 0],
      [0, 3],
      [100, 0],
      [0, 0],
      [0, 7],
    ] as const) {
      arrived.set('web', arrived.get('web')! + web);
      arrived.set('other', (arrived.get('other') ?? 0) + other);
      clock.runUntil(clock.nowMs() + ARRIVALS_MS);
    }
    await journal.close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are the rates of ten seconds each', async () => {
    const load = await readJournalLoad(folder, 'web', 1);
    expect(load).toMatchObject({
      curve: [
        { fromMs: 0, toMs: 10_000, fromRate: 2, toRate: 2 },
        { fromMs: 10_000, toMs: 20_000, fromRate: 0 },
        { fromMs: 20_000, toMs: 30_000, fromRate: 10 },
        { fromMs: 30_000, toMs: 50_000, fromRate: 0 },
      ],
    });
    expect(expectedRequests(load, 50_000)).toBe(120);
    expect(expectedRequests(await readJournalLoad(folder, 'other', 2), 50_000)).toBe(20);
  });

  it('are told where there are none', async () => {
    await expect(readJournalLoad(folder, 'nobody', 1)).rejects.toThrow(
      'has no requests of function "nobody"',
    );
  });
});

it('what two autoscalers counted at the same time counts once', () => {
  const line = (atMs: number, web: number) => ({ atMs, intervalMs: 10_000, counts: { web } });
  const curve = rateOf([line(10_000, 10), line(12_000, 10), line(20_000, 30)], 'web');
  expect(curve.at(-1)!.toMs).toBe(20_000);
  expect(totalCount(curve)).toBeLessThanOrEqual(50);
});
