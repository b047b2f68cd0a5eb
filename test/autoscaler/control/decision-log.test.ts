import { describe, expect, it } from 'vitest';
import { DecisionLog } from '../../../autoscaler/control/decision-log.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import type { ScalingDecision } from '../../../autoscaler/planning/decision.ts';
import { demand, node, PlannedCluster } from '../../support/planning.ts';

/** What is decided for one function after the other at these rates. */
function decisions(...rates: readonly (readonly number[])[]): ScalingDecision[] {
  const cluster = new PlannedCluster([node('n', 64)], percentileRateModel);
  return rates.map((each) => cluster.step(each.map((rate, index) => demand(`f${index}`, rate))).decision);
}

describe('a decision log', () => {
  it('keeps what changed, a function at a time, the latest first', () => {
    const log = new DecisionLog();
    const [first, second, third] = decisions([100, 100], [100, 300], [100, 300]);
    expect(log.note(first!, 1).map(({ decision }) => decision.name)).toEqual(['f0', 'f1']);
    const [changed, ...others] = log.note(second!, 2);
    expect(others).toEqual([]);
    expect(changed).toMatchObject({ atMs: 2, decision: { name: 'f1', constraint: expect.any(String) } });
    expect(changed!.actions.every(({ functionName }) => functionName === 'f1')).toBe(true);
    expect(log.note(third!, 3)).toEqual([]);
    expect(log.of('f1').map(({ atMs }) => atMs)).toEqual([2, 1]);
    expect(log.of('f1', 1)).toEqual([changed]);
    expect(log.of('nobody')).toEqual([]);
  });

  it('keeps no more than it may, and of what was rejected the closest', () => {
    const log = new DecisionLog(3);
    const steps = decisions([10], [400], [10], [400], [10], [400]);
    for (const [atMs, each] of steps.entries()) log.note(each, atMs);
    const kept = log.of('f0');
    expect(kept).toHaveLength(3);
    expect(kept[0]!.decision.rejected.length).toBeLessThanOrEqual(5);
    const all = steps[kept[0]!.atMs]!.functions[0]!.rejected;
    expect(kept[0]!.decision.rejected).toEqual(all.slice(0, 5));
  });

  it('counts what was done for which reason, as long as the function is there', () => {
    const log = new DecisionLog();
    const [first] = decisions([100, 100]);
    log.note(first!, 1);
    const starts = first!.actions.filter(({ functionName }) => functionName === 'f0').length;
    const own = { functionName: 'f0', type: 'start', reason: 'growth', count: starts };
    expect(log.counts).toContainEqual(own);
    log.forget('f0');
    expect(log.counts).not.toContainEqual(own);
  });
});
