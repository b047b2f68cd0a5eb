import { expect, it } from 'vitest';
import { profileTableSchema } from '../../profiles/table.ts';
import { withTimeSlices } from '../../profiles/time-slices.ts';
import { cell, table } from './sample-table.ts';

const QUOTA = { mechanism: 'cgroup-v2', periodMicros: 10_000 } as const;
const cells = [
  cell(1, 1000, 20),
  cell(1, 1000, 2, { gpuPercent: 100 }),
  cell(8, 1000, 6, { gpuPercent: 100 }),
];

it('a turn among n processes on a GPU takes n times as long as the whole GPU does', () => {
  const whole = table(cells, { quota: { ...QUOTA, gpuSharing: 'whole' } });
  const sliced = withTimeSlices(whole);
  expect(profileTableSchema.parse(sliced)).toEqual(sliced);
  expect(sliced.quota.gpuSharing).toBe('time-slicing');
  expect(sliced.cells.slice(0, cells.length)).toEqual(cells);
  const third = sliced.cells.find(({ batch, gpuPercent }) => batch === 8 && gpuPercent === 100 / 3)!;
  expect(third.latencyMs.p99).toBeCloseTo(3 * cells[2]!.latencyMs.p99);
  expect(third.latencyMs.meanInterval[1]).toBeCloseTo(3 * cells[2]!.latencyMs.meanInterval[1]);
  expect(third).toMatchObject({ predicted: true, samples: 0 });
  expect(withTimeSlices(whole)).toBe(sliced);
});

it.each(['mps', 'mig', 'time-slicing', undefined] as const)(
  'a table of %s shares says nothing of turns',
  (gpuSharing) => {
    const other = table(cells, { quota: { ...QUOTA, ...(gpuSharing === undefined ? {} : { gpuSharing }) } });
    expect(withTimeSlices(other)).toBe(other);
  },
);
