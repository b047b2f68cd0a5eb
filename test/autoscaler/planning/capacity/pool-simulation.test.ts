import { describe, expect, it } from 'vitest';
import { type PoolScenario, simulatePool } from '../../../../autoscaler/planning/capacity/pool-simulation.ts';

const EXECUTION_MS = 10;
const NEVER_LATE_MS = 1e9;

function scenario(load: number, change: Partial<PoolScenario> = {}): PoolScenario {
  const servers = change.servers ?? [{ maxBatch: 1, executionMs: () => EXECUTION_MS }];
  return {
    servers,
    sloMs: NEVER_LATE_MS,
    ratePerSecond: (load * servers.length * 1000) / EXECUTION_MS,
    arrivalCv: 1,
    latePolicy: 'serve',
    requests: 200_000,
    seed: 7,
    ...change,
  };
}

function meanWaitMs(outcome: ReturnType<typeof simulatePool>, executionMs = EXECUTION_MS): number {
  return (
    outcome.latenciesMs.reduce((sum, latencyMs) => sum + latencyMs, 0) / outcome.latenciesMs.length -
    executionMs
  );
}

describe('a simulated pool', () => {
  it.each([0.3, 0.5, 0.8])('waits as an M/D/1 queue does, at load %d', (load) => {
    const expectedMs = (load / (2 * (1 - load))) * EXECUTION_MS;
    expect(meanWaitMs(simulatePool(scenario(load))) / expectedMs).toBeCloseTo(1, 1);
  });

  it('waits as an M/M/1 queue does when times are drawn', () => {
    const servers = [
      {
        maxBatch: 1,
        executionMs: () => EXECUTION_MS,
        drawExecutionMs: (_rows: number, uniform: number) => -EXECUTION_MS * Math.log1p(-uniform),
      },
    ];
    const load = 0.6;
    const expectedMs = (load / (1 - load)) * EXECUTION_MS;
    expect(meanWaitMs(simulatePool(scenario(load, { servers }))) / expectedMs).toBeCloseTo(1, 1);
  });

  it('does not wait for even arrivals, up to the whole of its rate', () => {
    expect(meanWaitMs(simulatePool(scenario(0.99, { arrivalCv: 0 })))).toBeCloseTo(0, 6);
  });

  it('waits longer for bursts', () => {
    const calm = meanWaitMs(simulatePool(scenario(0.6)));
    const bursty = meanWaitMs(simulatePool(scenario(0.6, { arrivalCv: 2 })));
    expect(bursty).toBeGreaterThan(2 * calm); // by Kingman about (cv² + 0)/2 : 1/2 = 4 times
  });

  it('shares a queue better than the same instances apart', () => {
    const servers = Array.from({ length: 4 }, () => ({ maxBatch: 1, executionMs: () => EXECUTION_MS }));
    const pooled = meanWaitMs(simulatePool(scenario(0.8, { servers })));
    expect(pooled).toBeLessThan(meanWaitMs(simulatePool(scenario(0.8))) / 3);
  });

  it('answers nobody late where it rejects, and counts those it rejects', () => {
    const { violationShare, latenciesMs } = simulatePool(scenario(1.3, { latePolicy: 'reject', sloMs: 40 }));
    expect(latenciesMs.at(-1)).toBeLessThanOrEqual(40 + 1e-6);
    expect(violationShare).toBeGreaterThan(1 - 1 / 1.3 - 0.03); // the rate beyond what it can do
    expect(violationShare).toBeLessThan(1 - 1 / 1.3 + 0.05);
  });

  it('answers everybody where it serves', () => {
    const { latenciesMs } = simulatePool(scenario(1.2, { sloMs: 40, requests: 5_000 }));
    expect(latenciesMs.length).toBeGreaterThan(4_400); // all but the warm-up
  });

  it('gives the same for a seed, and something else for another', () => {
    const outcome = (seed: number): number =>
      meanWaitMs(simulatePool(scenario(0.5, { seed, requests: 1_000 })));
    expect(outcome(3)).toBe(outcome(3));
    expect(outcome(3)).not.toBe(outcome(4));
  });

  it('lets unlike instances do what each is good for', () => {
    const servers = [
      { maxBatch: 8, executionMs: (rows: number) => 20 + 2 * rows },
      { maxBatch: 1, executionMs: () => 90 },
    ];
    const outcome = simulatePool(scenario(1, { servers, sloMs: 100, ratePerSecond: 150, requests: 20_000 }));
    expect(outcome.violationShare).toBeLessThan(0.01);
  });
});
