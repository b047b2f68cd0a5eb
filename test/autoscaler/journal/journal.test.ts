import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal, type JournalLimits } from '../../../autoscaler/journal/journal.ts';
import { readJournal } from '../../../autoscaler/journal/read-journal.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { PlanInput } from '../../../autoscaler/planning/decision.ts';
import { planCluster } from '../../../autoscaler/planning/planner.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { demandFor, nodesOf } from './recorded-inputs.ts';

let folder: string;
let clock: VirtualClock;
const warnings: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-journal-'));
  clock = new VirtualClock(Date.parse('2026-01-31T12:00:00Z'));
  warnings.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(limits?: Partial<JournalLimits>, path = folder): Journal {
  const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
  const most = { fileBytes: 1 << 20, totalBytes: 4 << 20, bytesPerHour: 50 << 20, ...limits };
  return new Journal({ folder: path, clock, logger, limits: most });
}

/** One function grows from nothing at this rate. */
function inputAt(ratePerSecond: number): PlanInput {
  return {
    demands: [{ ...demandFor('f', ratePerSecond), recentRatePerSecond: Infinity }],
    cluster: { nodes: nodesOf(2), instances: [], leaving: [] },
    rates: percentileRateModel,
  };
}

function note(journal: Journal, ratePerSecond: number): void {
  const input = inputAt(ratePerSecond);
  journal.note(input, planCluster(input), clock.nowMs());
}

describe('a journal', () => {
  it('keeps decisions with all that they were made of', async () => {
    const journal = open();
    note(journal, 50);
    clock.runUntil(clock.nowMs() + 500);
    note(journal, 80);
    await journal.close();
    const { decisions, unreadable } = await readJournal(folder);
    expect(unreadable).toBe(0);
    expect(decisions.map(({ demands }) => demands[0]!.ratePerSecond)).toEqual([50, 80]);
    expect(decisions[1]!.atMs - decisions[0]!.atMs).toBe(500);
    expect(decisions[0]!.demands[0]).toEqual({ ...inputAt(50).demands[0], excluded: [] });
    expect(decisions[0]!.cluster).toEqual(inputAt(50).cluster);
    expect(new Set(decisions.map(({ id }) => id)).size).toBe(2);
  });

  it('writes what recurs once a file', async () => {
    const journal = open();
    for (let count = 0; count < 20; count += 1) note(journal, 50 + count);
    await journal.close();
    const [name] = await readdir(folder);
    const lines = (await readFile(join(folder, name!), 'utf8')).trimEnd().split('\n');
    expect(lines.filter((line) => line.includes('"type":"value"'))).toHaveLength(3);
    expect(lines).toHaveLength(23);
  });

  it('is a ring of bounded size, whose every file can be read alone', async () => {
    const journal = open({ fileBytes: 20_000, totalBytes: 100_000 });
    for (let count = 0; count < 200; count += 1) {
      note(journal, 50 + count);
      if (count % 10 === 9) await journal.flush();
    }
    await journal.close();
    const names = await readdir(folder);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(125_000);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) expect((await readJournal(join(folder, name))).unreadable).toBe(0);
    const { decisions } = await readJournal(folder);
    expect(decisions.at(-1)!.demands[0]!.ratePerSecond).toBe(249);
  });

  it('leaves out what is more than an hour may have', async () => {
    const journal = open({ bytesPerHour: 30_000 });
    for (let count = 0; count < 100; count += 1) note(journal, 50 + count);
    expect(journal.leftOut).toBeGreaterThan(50);
    clock.runUntil(clock.nowMs() + 3_600_000);
    note(journal, 500);
    await journal.close();
    const { decisions, unreadable } = await readJournal(folder);
    expect(unreadable).toBe(0);
    expect(decisions.at(-1)!.demands[0]!.ratePerSecond).toBe(500);
    expect(decisions.length + journal.leftOut).toBe(101);
  });

  it('leaves decisions out where it cannot be written, says so once, and goes on later', async () => {
    await writeFile(join(folder, 'file'), '');
    const journal = open({}, join(folder, 'file', 'below')); // a folder that cannot be made
    note(journal, 50);
    await journal.flush();
    note(journal, 60);
    expect(journal.leftOut).toBe(2);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('ENOTDIR');
    await rm(join(folder, 'file'));
    clock.runUntil(clock.nowMs() + 11_000);
    note(journal, 70);
    await journal.close();
    const { decisions } = await readJournal(join(folder, 'file', 'below'));
    expect(decisions.map(({ demands }) => demands[0]!.ratePerSecond)).toEqual([70]);
  });

  it('is read although a line was cut off', async () => {
    const journal = open();
    note(journal, 50);
    note(journal, 60);
    await journal.close();
    const [name] = await readdir(folder);
    const file = join(folder, name!);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.slice(0, -200));
    const { decisions, unreadable } = await readJournal(file);
    expect([decisions.length, unreadable]).toEqual([1, 1]);
    await chmod(file, 0o600);
  });

  it('that is not there is told', async () => {
    await expect(readJournal(join(folder, 'none'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(readJournal(folder)).rejects.toThrow('There is no journal at');
  });
});
