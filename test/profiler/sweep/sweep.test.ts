import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckedCell, Measuring } from '../../../profiler/sweep/cell-runner.ts';
import { Journal } from '../../../profiler/sweep/journal.ts';
import { type ProfileEvent, TimeLimit } from '../../../profiler/sweep/progress.ts';
import { fullStrategy } from '../../../profiler/sweep/sampling/strategy.ts';
import { missesSlo, type SweepPlan, sweep } from '../../../profiler/sweep/sweep.ts';
import type { Config } from '../../../profiles/config.ts';
import { cell, table } from '../../profiles/sample-table.ts';

let folder: string;
let journals = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-sweep-'));
});
afterAll(() => rm(folder, { recursive: true }));

const configs: Config[] = [1, 2, 4, 8].map((batch) => ({ batch, cpuMillicores: 1000, gpuPercent: 0 }));

/** Takes 10 ms a row. */
const measured = ({ batch, cpuMillicores }: Config): CheckedCell => ({
  cell: cell(batch, cpuMillicores, (10 * batch * 1000) / cpuMillicores),
  warmth: 'steady',
  load: undefined,
  measuringMs: 1,
  attempts: 1,
});

/** @param within what is measured within the limit: undefined is what there was no time for */
function runnerOf(within: (config: Config) => CheckedCell | undefined): Measuring {
  return {
    measure: async (config) => measured(config),
    within: (_, first = 'limited') => ({
      measure: async (config) => (first === 'finished' ? measured(config) : within(config)),
    }),
  };
}

async function sweepWith(plan: Partial<SweepPlan>) {
  const { model, schema: _, ...conditions } = table([cell(1, 1000, 10)]);
  journals += 1;
  const journal = await Journal.open(
    join(folder, `${journals}.journal`),
    { ...conditions, digest: model.digest, host: 'here', cellTimeMs: 1, shapes: {} },
    false,
  );
  const events: ProfileEvent[] = [];
  const whole: SweepPlan = {
    manifest: model,
    configs,
    strategy: fullStrategy(configs.length),
    threadingOf: () => undefined,
    runner: runnerOf(measured),
    journal,
    cellTimeMs: 1,
    relativeError: 0.03,
    limit: new TimeLimit(),
    ...plan,
  };
  const { cells, open } = await sweep(whole, (event) => events.push(event));
  await journal.close();
  return { measured: cells.map(({ batch }) => batch), open: open.map(({ batch }) => batch), events };
}

describe('a sweep', () => {
  it('tells every cell', async () => {
    const { measured: batches, events } = await sweepWith({});
    expect(batches).toEqual([1, 2, 4, 8]);
    const told = events.flatMap((event) => (event.type === 'cell-measured' ? [event.done] : []));
    expect(told).toEqual([1, 2, 3, 4]);
  });

  it('measures one cell in any case, and begins none that would take longer than there is time', async () => {
    expect(await sweepWith({ limit: new TimeLimit(0) })).toMatchObject({ measured: [1], open: [2, 4, 8] });
    const short = { limit: new TimeLimit(5_000), cellTimeMs: 60_000 };
    expect(await sweepWith(short)).toMatchObject({ measured: [1], open: [2, 4, 8] });
  });

  it('gives up the cell that is under way when the time is over', async () => {
    const runner = runnerOf((config) => (config.batch > 2 ? undefined : measured(config)));
    expect(await sweepWith({ runner })).toMatchObject({ measured: [1, 2], open: [4, 8] });
  });

  it('leaves out what is pointless, which is then predicted', async () => {
    const slo = { sloMs: 39, percentile: 50 } as const;
    const isPointless: SweepPlan['isPointless'] = (config, known) => missesSlo(config, known, slo);
    expect(await sweepWith({ isPointless })).toMatchObject({ measured: [1, 2, 4], open: [8] });
  });
});

describe('an SLO is surely missed', () => {
  const config = (batch: number, cpuMillicores: number): Config => ({ batch, cpuMillicores, gpuPercent: 0 });
  const slo = { sloMs: 100, percentile: 99 } as const;
  const slow = cell(4, 1000, 80); // p99 120 ms, 80 ms of CPU
  const quick = cell(4, 1000, 60);

  it.each([
    ['by what is harder than a batch that misses it', config(8, 1000), slow, true],
    ['not by what has more CPU', config(4, 2000), slow, false],
    ['not by what is as hard as a batch that keeps it', config(4, 1000), quick, false],
    ['by what needs too much CPU time in any case', config(32, 1000), quick, true],
    ['not by what batching may make quick enough', config(16, 1000), quick, false],
    ['not by a GPU, whatever a CPU takes', { ...config(32, 1000), gpuPercent: 50 }, slow, false],
  ])('%s', (_, asked, known, expected) => {
    expect(missesSlo(asked, [known], slo)).toBe(expected);
  });
});

it('a limit ends what is under way, and has parts', async () => {
  const limit = new TimeLimit(20);
  expect(limit.isOver).toBe(false);
  expect(limit.part(0.5).leftMs).toBeLessThanOrEqual(10);
  await expect.poll(() => limit.signal?.aborted, { timeout: 5_000, interval: 5 }).toBe(true);
  expect(limit.isOver).toBe(true);
  expect(new TimeLimit().signal).toBeUndefined();
  expect(new TimeLimit().part(0.3).leftMs).toBe(Number.POSITIVE_INFINITY);
});
