import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge, promiseOf, serviceOn } from '../../../../../autoscaler/gpu-proof/steps/serving/promise.ts';
import { packageRoot } from '../../../../../models/base/package.ts';
import type { LoadReport, SecondReport } from '../../../../../profiler/load/report.ts';
import { readTable } from '../../../../../profiles/store.ts';

const table = await readTable(join(packageRoot, 'test/autoscaler/gpu-proof/replays/h200/table.json'));
const ONE = { batch: 1, cpuMillicores: 1000, gpuPercent: 25 };

describe('what is promised of a share', () => {
  const service = serviceOn(table)!;

  it('is within some times the tail of one row on the cheapest share, reading its JSON included', () => {
    const cell = table.cells.find(
      ({ batch, cpuMillicores, gpuPercent }) => batch === 1 && cpuMillicores === 1000 && gpuPercent === 25,
    )!;
    const tailMs = cell.latencyMs.p99 + cell.codecMs.decode + cell.codecMs.encode;
    expect(service).toMatchObject({ cpuMillicores: 1000, gpuPercent: 25 });
    expect(service.sloMs).toBeGreaterThan(4 * tailMs);
    expect(service.sloMs).toBeLessThan(5 * tailMs);
    expect(
      service.table.cells.map(({ batch, cpuMillicores, gpuPercent }) => [batch, cpuMillicores, gpuPercent]),
    ).toEqual([
      [1, 1000, 25],
      [8, 1000, 25],
      [32, 1000, 25],
    ]);
  });

  it('is what the instances that run carry together, and four fifths of it is the load', () => {
    const [one, two] = [promiseOf(service, [ONE]), promiseOf(service, [ONE, ONE])];
    expect(one.configs).toEqual(['b1 c1 g25']);
    expect(one.ratePerSecond).toBeCloseTo(0.8 * one.capacityPerSecond);
    // A queue before two is shorter than two queues.
    expect(two.capacityPerSecond).toBeGreaterThan(2 * one.capacityPerSecond);
  });

  it('is nothing where no single row ran on a share', () => {
    const without = {
      ...table,
      cells: table.cells.filter(({ batch, gpuPercent }) => batch > 1 || gpuPercent === 0),
    };
    expect(serviceOn(without)).toBeUndefined();
  });
});

describe('whether it was kept', () => {
  const promised = { sloMs: 52, configs: ['b1 c1 g25'], capacityPerSecond: 50, ratePerSecond: 40 };
  const second = (late: number, failed = 0): SecondReport => ({
    second: 1,
    sent: 40,
    answered: 40,
    ok: 40 - failed,
    late,
    failed,
    dropped: 0,
    p50Ms: 14,
    p99Ms: 30,
    outstanding: 0,
  });
  const latencyMs = { p50: 14, p90: 20, p95: 25, p99: 30, p999: 40, max: 60, mean: 15 };
  const report = (seconds: readonly SecondReport[], keptUp = true): LoadReport =>
    ({ rate: { offered: 40, ok: 40 }, latencyMs, keptUp, seconds }) as LoadReport;

  it('is told with what the share of late requests may be', () => {
    const { isKept, sentence } = judge(promised, report(Array.from({ length: 12 }, () => second(0))));
    expect(isKept).toBe(true);
    expect(sentence).toMatch(
      /^b1 c1 g25 promised 50\/s; at 40\/s p99 30 ms, 0\.00 % late \(0\.00 % to 1\.\d\d %\)$/,
    );
  });

  it.each<[string, readonly SecondReport[], boolean]>([
    [
      'a few late ones could be chance',
      Array.from({ length: 12 }, (_, at) => second(at === 3 ? 6 : 0)),
      true,
    ],
    ['late ones all the time are not', Array.from({ length: 12 }, () => second(2)), false],
    ['nor are those that failed', Array.from({ length: 12 }, () => second(0, 2)), false],
  ])('%s', (_, seconds, isKept) => {
    expect(judge(promised, report(seconds)).isKept).toBe(isKept);
  });

  it('is not where the generator did not do its part', () => {
    const { isKept, sentence } = judge(promised, report([second(0), second(0)], false));
    expect(isKept).toBe(false);
    expect(sentence).toMatch(/, the generator fell behind$/);
  });
});
