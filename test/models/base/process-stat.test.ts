import { expect, it } from 'vitest';
import { parseProcessStat } from '../../../models/base/process-stat.ts';

it('reads a process whose name looks like fields', () => {
  const stat = parseProcessStat(
    '4711 (a) S 9 (b) R 1 4711 4711 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 11 0 8675309 1 2 3',
  );
  expect(stat).toEqual({ state: 'R', cpuMs: 3_000, startTicks: 8_675_309 });
});
