import { expect, test } from 'vitest';
import { hostTimes, loadBetween, parseHostTimes } from '../../../profiler/cell/host-load.ts';

const STAT = 'cpu  1000 20 300 5000 60 7 8 90 11 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5\n';

test('reads the first line of /proc/stat', () => {
  expect(parseHostTimes(STAT)).toEqual({ busyMs: 13_350, stolenMs: 900, totalMs: 64_850 });
  expect(parseHostTimes('nothing of the kind')).toBeUndefined();
  expect(parseHostTimes('cpu  1 2 3')).toBeUndefined();
});

test.skipIf(process.platform !== 'linux')('this host counts time', async () => {
  const times = await hostTimes();
  expect(times!.busyMs).toBeGreaterThan(0);
  expect(times!.totalMs).toBeGreaterThan(times!.busyMs);
});

test('what was measured is not foreign', () => {
  const before = { busyMs: 0, stolenMs: 0, totalMs: 0 };
  const after = { busyMs: 1500, stolenMs: 40, totalMs: 4000 };
  expect(loadBetween(before, after, 1000, 2)).toEqual({ cores: 2, foreignCores: 0.25, stolenShare: 0.01 });
  expect(loadBetween(before, after, 1600, 2)?.foreignCores).toBe(0); // the kernel counts in ticks
  expect(loadBetween(after, after, 0, 2)).toBeUndefined();
});
