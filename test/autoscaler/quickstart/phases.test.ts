import { describe, expect, it } from 'vitest';
import { BatchRecord } from '../../../autoscaler/quickstart/phases.ts';
import { missedTexts, type TourResult } from '../../../autoscaler/quickstart/tour-report.ts';
import { PROFILE } from '../../support/simulated-functions.ts';

const CONFIG = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 };

function result(name: string, met: boolean): TourResult {
  const second = (number: number, late: number) => ({ second: number, late });
  const load = {
    slo: { met },
    seconds: [second(1, 0), second(2, 3), second(3, 2)],
    failed: { byStatus: { '503': 1 }, errors: { timeout: 1 } },
    dropped: 2,
  };
  return { name, sloMs: 200, load, peakPerSecond: 1 } as unknown as TourResult;
}

describe('an SLO that was missed', () => {
  const batches = new BatchRecord(new Map([['web', PROFILE]]));
  const instances = [{ id: 'web-1', config: CONFIG }];
  for (const executeMs of [10, 20, 500])
    batches.note('web', { instanceId: 'web-1', size: 2, executeMs }, instances);
  batches.note('web', { instanceId: 'gone', size: 2, executeMs: 9_000 }, instances);
  const timeline = { wasStarting: (_: string, from: number, to: number) => from < 2 && to >= 2 };

  it('is explained by the phase: starts, execution against its promise, queue', () => {
    const [heading, start, execution, queue] = missedTexts([result('web', false)], timeline, batches);
    expect(heading).toBe('web missed its SLO: 5 requests were late, 4 failed.');
    expect(start).toBe('  start      3 of the late ones were answered while an instance was starting');
    expect(execution).toMatch(/promised \d\d ms at p99, measured 4\d\d ms; 33 % of the batches took longer/);
    expect(queue).toContain('2 of the late ones waited for their turn');
  });

  it('is not told of one that was kept', () => {
    expect(missedTexts([result('web', true)], timeline, batches)).toEqual([]);
  });

  it('of a function that answered nothing has no times of batches', () => {
    expect(batches.executionText('other')).toBe('no batch ran');
  });
});
