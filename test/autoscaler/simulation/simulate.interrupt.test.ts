import { expect, it } from 'vitest';
import type { Scenario } from '../../../autoscaler/simulation/scenario.ts';
import { simulate } from '../../../autoscaler/simulation/simulate.ts';
import { defaultSystem } from '../../../autoscaler/simulation/systems/default-system.ts';
import { arrivals } from '../../../profiler/load/arrivals/arrivals.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { node } from '../../support/planning.ts';
import { declared, PROFILE } from '../../support/simulated-functions.ts';

/** @param onArrival hears of each arrival as it is read, one ahead of time */
function scenario(onArrival: (atMs: number) => void): Scenario {
  const stream = function* (): Generator<number> {
    for (const atMs of arrivals(constantRate(20, 60_000), { type: 'poisson' }, 1)) {
      onArrival(atMs);
      yield atMs;
    }
  };
  const { spec } = declared('f').deployment;
  return {
    functions: [{ spec, table: PROFILE, arrivals: stream() }],
    nodes: [node('node', 16)],
    durationMs: 60_000,
    warmUpMs: 5_000,
  };
}

it('ends a simulation early on request, with the result of what ran, all of it answered', async () => {
  const interrupt = new AbortController();
  let counted = 0;
  const { signal } = interrupt;
  const result = await simulate(
    scenario((atMs) => {
      if (atMs >= 20_000) interrupt.abort();
      if (atMs >= 5_000 && !signal.aborted) counted += 1;
    }),
    defaultSystem(),
    { signal },
  );
  expect(result.measuredMs).toBeGreaterThan(14_000);
  expect(result.measuredMs).toBeLessThan(15_100);
  expect(Math.abs(result.requests - counted)).toBeLessThanOrEqual(1);
  expect(result.functions[0]!.failed).toBe(0);
  expect(result.timeline).toHaveLength(Math.floor(result.measuredMs / 1000));
  expect(result.meanPrice).toBeGreaterThan(0);
});

it('runs to its end without one', async () => {
  const result = await simulate(
    scenario(() => {}),
    defaultSystem(),
  );
  expect(result.measuredMs).toBe(55_000);
  expect(result.requests).toBeGreaterThan(1_000);
});
