import { expect, test } from 'vitest';
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { measureCell } from '../../../profiler/cell/measure-cell.ts';
import { createSweepQuota, openSweepQuotas } from '../../../profiler/quota/measurement-quotas.ts';
import { settingsOf } from '../../../profiler/sweep/sweep-options.ts';
import { cell } from '../../profiles/sample-table.ts';

test('a cell that is measured again keeps nothing of what was wrong with it', async () => {
  const before = cell(1, 1000, 1, {
    verdicts: ['drifting'],
    speedFactor: 1.4,
    predicted: true,
    gpu: { memoryBytes: 1, powerWatts: 1, utilizationPercent: 1 },
  });
  const model = await resolveModel('mnist');
  const quota = await createSweepQuota(await openSweepQuotas({ mechanism: 'threads' }), 1000);
  const settings = settingsOf({ cellTimeMs: 60 });
  const { cell: after } = await measureCell({ model, config: before, settings }, quota, undefined);
  await quota.remove();
  expect(after).toMatchObject({ batch: 1, cpuMillicores: 1000, gpuPercent: 0 });
  expect(after.samples).toBeGreaterThan(0);
  expect(after.transferMs).toBeGreaterThan(0);
  for (const key of ['verdicts', 'speedFactor', 'predicted', 'gpu']) expect(after).not.toHaveProperty(key);
});
