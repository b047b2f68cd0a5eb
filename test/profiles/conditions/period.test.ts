import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CLUSTER_PERIOD_MICROS,
  LOCAL_PERIOD_MICROS,
  periodCaveats,
  periodText,
  surchargeMs,
  underPeriod,
  unmeasuredFrontier,
} from '../../../profiles/conditions/period.ts';
import { configKey } from '../../../profiles/config.ts';
import { ProfileView } from '../../../profiles/lookup.ts';
import type { Cell, OtherPeriod } from '../../../profiles/table.ts';
import { cell, table } from '../sample-table.ts';

function measuredUnder(periodMicros: number, p50: number): { otherPeriods: OtherPeriod[] } {
  const { latencyMs, samples, converged, throughputPerSecond, throttling } = cell(1, 1000, p50);
  const measured = { latencyMs, samples, converged, throughputPerSecond, throttling };
  return { otherPeriods: [{ periodMicros, ...measured }] };
}

const imported = { confidence: { level: 0, relativeError: 1 } };

describe('under the period of a cluster', () => {
  it('a cell says what was measured there', () => {
    const sample = table([cell(1, 500, 20, measuredUnder(CLUSTER_PERIOD_MICROS, 35))]);
    const [under] = underPeriod(sample, CLUSTER_PERIOD_MICROS).cells;
    expect(under!.latencyMs.p99).toBe(35 * 1.5);
    expect(under!.cpuMillicores).toBe(500);
    expect(underPeriod(sample, LOCAL_PERIOD_MICROS)).toBe(sample);
  });

  it('a fraction of a core waits up to its share of the period longer, in the tail alone', () => {
    const sample = table([cell(1, 500, 20), cell(1, 1000, 10), cell(4, 1500, 30)]);
    const [half, whole, oneAndHalf] = underPeriod(sample, CLUSTER_PERIOD_MICROS).cells;
    expect(half!.latencyMs).toMatchObject({ mean: 21, p50: 20, p95: 24 + 45, p99: 30 + 45 });
    expect(whole).toBe(sample.cells[1]);
    expect(oneAndHalf!.latencyMs.p99).toBe(45 + 0.25 * 90); // two threads share a core and a half
  });

  it("other tools' tables are taken as measured, and say so", () => {
    const foreign = table([cell(1, 500, 20)], imported);
    expect(underPeriod(foreign, CLUSTER_PERIOD_MICROS)).toBe(foreign);
    expect(periodCaveats(foreign, CLUSTER_PERIOD_MICROS, 'm')).toEqual([
      'The table comes from another tool: its times are taken as measured under a quota period of 100 ms.',
    ]);
    expect(periodCaveats(foreign, LOCAL_PERIOD_MICROS, 'm')).toEqual([]);
    expect(unmeasuredFrontier(foreign, CLUSTER_PERIOD_MICROS)).toEqual([]);
  });

  it('a longer period than here counts for what it is: no shorter wait is made up', () => {
    const slow = table([cell(1, 500, 20)], { quota: { mechanism: 'cgroup-v2', periodMicros: 100_000 } });
    expect(underPeriod(slow, LOCAL_PERIOD_MICROS)).toBe(slow);
    expect(underPeriod(slow, CLUSTER_PERIOD_MICROS)).toBe(slow);
  });

  it('a tiny quota has a longer period anyway', () => {
    const tiny = cell(1, 20, 500, { periodMicros: 50_000 });
    expect(surchargeMs(tiny, table([tiny]), CLUSTER_PERIOD_MICROS)).toBeCloseTo(50 * 0.98);
  });

  it('what was not measured is told with the command that measures it', () => {
    const sample = table([cell(1, 500, 20), cell(1, 1000, 10)]);
    expect(periodCaveats(sample, CLUSTER_PERIOD_MICROS, 'net.onnx')).toEqual([
      '1 of 2 cells were not measured under a quota period of 100 ms: their p99 counts as up to 45 ms longer. Measure those that may be chosen with: infless-profile net.onnx --refresh --period 100ms',
    ]);
    expect(periodCaveats(sample, LOCAL_PERIOD_MICROS, 'net.onnx')).toEqual([]);
  });

  it('only cells that may be chosen have to be measured', () => {
    const cells = [cell(1, 500, 20), cell(1, 250, 90), cell(4, 500, 60)];
    const sample = table(cells); // a quarter of a core is slower than half of one, and carries less per core
    const open = unmeasuredFrontier(sample, CLUSTER_PERIOD_MICROS).map(configKey);
    expect(open).toEqual([configKey(cells[0]!), configKey(cells[2]!)]);
    const done = cells.map((each) => ({ ...each, ...measuredUnder(CLUSTER_PERIOD_MICROS, 30) }));
    expect(unmeasuredFrontier(table(done), CLUSTER_PERIOD_MICROS)).toEqual([]);
  });
});

it('the period is told with how many cells know another one', () => {
  expect(periodText(table([cell(1, 500, 20)]))).toBe('period 10 ms');
  const both = [cell(1, 500, 20, measuredUnder(100_000, 35)), cell(2, 500, 30)];
  expect(periodText(table(both))).toBe('period 10 ms, 1 of 2 cells also 100 ms');
  expect(periodText(table(both, { quota: { mechanism: 'threads', periodMicros: null } }))).toBe('');
});

it('a longer period makes no answer of a look-up shorter', () => {
  const cellArbitrary = fc
    .record({
      batch: fc.constantFrom(1, 2, 4),
      cpuMillicores: fc.constantFrom(250, 500, 1000, 1500, 2000),
      p50: fc.double({ min: 1, max: 500, noNaN: true }),
    })
    .map(({ batch, cpuMillicores, p50 }): Cell => cell(batch, cpuMillicores, p50));
  const cells = fc.uniqueArray(cellArbitrary, { minLength: 1, maxLength: 8, selector: configKey });
  fc.assert(
    fc.property(cells, fc.constantFrom(0.5, 0.95, 0.99, 0.999), (drawn, quantile) => {
      const here = new ProfileView(table(drawn));
      const there = new ProfileView(underPeriod(table(drawn), CLUSTER_PERIOD_MICROS));
      for (const config of drawn) {
        const hereMs = here.executionMs(config, config.batch, quantile);
        expect(there.executionMs(config, config.batch, quantile)).toBeGreaterThanOrEqual(hereMs);
      }
    }),
  );
});
