import { describe, expect, it } from 'vitest';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { FunctionDemand } from '../../../autoscaler/planning/decision.ts';
import { changeText, rejectionText } from '../../../autoscaler/planning/decision-text.ts';
import { candidate, demand, node, PlannedCluster } from '../../support/planning.ts';

/** On one core and on two: the larger is dearer. */
const CONFIGS = [
  candidate(4, 500, 80),
  candidate(4, 1000, 60),
  candidate(1, 16_000, 2),
  candidate(8, 500, 900),
];

function web(ratePerSecond: number, change: Partial<FunctionDemand> = {}): FunctionDemand {
  return demand('web', ratePerSecond, { candidates: CONFIGS, ...change });
}

/** The lines that a cluster's steps come to. */
function lines(cores: number, ...steps: readonly (readonly FunctionDemand[])[]): string[] {
  const cluster = new PlannedCluster([node('n', cores)], percentileRateModel);
  return steps.flatMap((demands) => {
    const { decision } = cluster.step(demands);
    return decision.functions.flatMap((each) => {
      const own = decision.actions.filter(({ functionName }) => functionName === each.name);
      return own.length === 0 ? [] : changeText(each, own);
    });
  });
}

describe('a change in a line', () => {
  it('tells the step, the rates behind it and the next best', () => {
    const [first, grown] = lines(8, [web(15)], [web(35)]);
    expect(first).toMatch(
      /^web: 0 → \d × b4 c0\.5: 15\/s forecast, 0\/s carried; b4 c1 rejected: costs [\d.]+ ×$/,
    );
    expect(grown).toMatch(
      /^web: \d → \d × b4 c0\.5: 35\/s forecast, \d+\/s (?:carried; b4 c1 rejected|carried$)/,
    );
  });

  it('tells both sets where another config comes, and what it lacks where there is too little', () => {
    const [, short] = lines(2, [web(30)], [web(500, { maxInstances: 100 })]);
    expect(short).toMatch(/^web: .* → .*: 500\/s forecast, .*; short of \d+\/s: cluster-cpu$/);
  });

  it('tells that a function was idle, or kept warm', () => {
    const [warm, gone] = lines(8, [web(0, { warmInstances: 1 })], [web(0)]);
    expect(warm).toMatch(/^web: 0 → 1 × b\d c[\d.]+: 0\/s forecast, 0\/s carried; kept warm/);
    expect(gone).toMatch(/^web: 1 → 0 × b\d c[\d.]+: 0\/s forecast, .*; idle$/);
  });

  it.each([
    ['slo', 350, 'b4 c1 rejected: keeps no SLO below 350 ms'],
    ['limits', 2, 'b4 c1 rejected: 2 × what its limits allow'],
    ['no-node', Infinity, 'b4 c1 rejected: fits on no node'],
    ['no-node', 1.25, 'b4 c1 rejected: needs 1.3 × the room there is'],
    ['costlier', 1.4, 'b4 c1 rejected: costs 1.4 ×'],
  ] as const)('says why a config was rejected: %s', (because, figure, text) => {
    const config = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 };
    expect(rejectionText({ config, because, figure })).toBe(text);
  });
});
