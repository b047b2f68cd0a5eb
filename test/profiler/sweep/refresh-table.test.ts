import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openQuotas } from '../../../profiler/quota/quota.ts';
import { type ProfileOptions, profileModel } from '../../../profiler/sweep/profile-model.ts';
import { refreshTable } from '../../../profiler/sweep/refresh-table.ts';
import { CLUSTER_PERIOD_MICROS, underPeriod } from '../../../profiles/conditions/period.ts';
import { findTable, saveTable } from '../../../profiles/store.ts';
import type { Cell } from '../../../profiles/table.ts';

const FAST: ProfileOptions = { cellTimeMs: 60, relativeError: 0.2, batches: [1, 2], cpuMillicores: [500] };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-refresh-'));
  vi.stubEnv('INFLESS_CACHE_DIR', folder);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it('needs a table', async () => {
  await expect(refreshTable('mnist', 'frontier')).rejects.toThrow('There is no table of mnist to refresh');
});

it('measures what may be chosen under another period, and single cells again', async (context) => {
  const { weaknessReason } = await openQuotas();
  if (weaknessReason !== undefined) context.skip('no CPU quota is held here');
  const before = await profileModel('mnist', FAST);

  const options = { ...FAST, cellTimeMs: 600, otherPeriodMicros: CLUSTER_PERIOD_MICROS };
  const withPeriod = await refreshTable('mnist', 'frontier', options);
  const measured = withPeriod.cells.filter(({ otherPeriods }) => otherPeriods !== undefined);
  expect(measured.length).toBeGreaterThan(0);
  expect(measured[0]!.latencyMs).toEqual(
    before.cells.find(({ batch }) => batch === measured[0]!.batch)!.latencyMs,
  );
  const [other] = measured[0]!.otherPeriods!;
  // half a core is used up after 50 ms, and back after as much again
  expect(other!.latencyMs.max).toBeGreaterThan(20);
  expect(underPeriod(withPeriod, CLUSTER_PERIOD_MICROS).cells).toContainEqual(
    expect.objectContaining({ latencyMs: other!.latencyMs }),
  );
  expect((await findTable(before.model.digest))?.table).toEqual(withPeriod);

  const [first] = withPeriod.cells;
  const again = await refreshTable('mnist', [first!], FAST);
  expect(again.cells[0]!.latencyMs).not.toEqual(first!.latencyMs);
  expect(again.cells[0]!.otherPeriods).toEqual(first!.otherPeriods);
  // how far tails may reach is told from those of all cells
  const measuredAlone = ({ latencyMs: { p99Interval: _, ...latencyMs }, ...cell }: Cell) => ({
    ...cell,
    latencyMs,
  });
  expect(again.cells.slice(1).map(measuredAlone)).toEqual(withPeriod.cells.slice(1).map(measuredAlone));

  const none = { ...first!, batch: 64 };
  await expect(refreshTable('mnist', [none], FAST)).rejects.toThrow('The table has no cell b64 c0.5');
  await saveTable({ ...again, servingPath: 1 });
  await expect(refreshTable('mnist', [first!], FAST)).rejects.toThrow(
    /cannot be refreshed here: .*older version/,
  );
});
