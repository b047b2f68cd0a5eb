import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchTimes } from '../../../autoscaler/latency/batch-times.ts';
import { ObservedTimes } from '../../../autoscaler/latency/observed-times.ts';
import { ServiceTimes } from '../../../autoscaler/latency/service-times.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import {
  DEFAULT_TRANSPORT_MS,
  NO_COST,
  tabulatedRequestCost,
} from '../../../profiles/capacity/batch-time.ts';
import { viewOf } from '../../../profiles/lookup.ts';
import type { Cell } from '../../../profiles/table.ts';
import { cell, table } from '../../profiles/sample-table.ts';

const SLO = { sloMs: 58, percentile: 99, arrivalCv: 1 };

/** A quarter of a card beside one core: 2.5 ms of computing, and 8 ms of reading an image's JSON. */
function onCard(transferMs?: number) {
  return {
    ...cell(1, 1000, 2.5, { codecMs: { decode: 8, encode: 0.1 } }),
    gpuPercent: 25,
    ...(transferMs === undefined ? {} : { transferMs }),
  };
}

describe('service times', () => {
  it('count what a row takes of the CPU beside a share of a GPU: its JSON, and its way over HTTP', () => {
    const [without] = new ServiceTimes(table([onCard()])).candidates({ maxBatch: 1, percentile: 99 });
    const [candidate] = new ServiceTimes(table([onCard(14)])).candidates({ maxBatch: 1, percentile: 99 });
    // What is left of the way is known then to be short, but for its tail.
    expect(candidate!.meanMs - without!.meanMs).toBeCloseTo(14 + 0.5 - DEFAULT_TRANSPORT_MS);
    expect(candidate!.tailMs - without!.tailMs).toBeCloseTo(14 + 0.5 + 1.5 - DEFAULT_TRANSPORT_MS);
    // One core that is busy for 27 ms a request carries no more than 37 of them a second, whatever the card
    // does.
    expect(percentileRateModel.capacityPerSecond([without!], SLO)).toBeGreaterThan(37);
    expect(percentileRateModel.capacityPerSecond([candidate!], SLO)).toBeLessThan(1000 / 27);
  });

  it('count it for each row of a batch, and once what is not a row’s', () => {
    const rows = (batch: number) => ({ ...onCard(14), batch });
    const times = new ServiceTimes(table([rows(1), rows(4)]));
    expect(times.meanMs({ batch: 4, cpuMillicores: 1000, gpuPercent: 25 })).toBeCloseTo(
      rows(4).latencyMs.mean + 4 * (8.1 + 14) + 0.5,
    );
  });
});

describe('a predicted cell', () => {
  /** What one batch of 4 takes is believed to be 34.2 ms ± 20 %, and is just that. */
  const MEAN_MS = 34.2;
  const predicted = cell(4, 1000, MEAN_MS / 1.05, {
    codecMs: { decode: 0, encode: 0 },
    predicted: true,
    samples: 0,
  });
  const guarded: Cell = {
    ...predicted,
    latencyMs: { ...predicted.latencyMs, meanInterval: [0.8 * MEAN_MS, 1.2 * MEAN_MS] },
  };
  const loose = { sloMs: 1e6, percentile: 99, arrivalCv: 1 };

  it('is planned with as slow as it may be, until running has shown how slow it is', () => {
    const view = viewOf(table([guarded]));
    const observed = new ObservedTimes((config) => tabulatedRequestCost(view, config));
    const times = new ServiceTimes(table([guarded]), (config) => observed.of(config));
    expect(times.meanMs(guarded)).toBeCloseTo(1.2 * MEAN_MS + DEFAULT_TRANSPORT_MS);
    const batches = new BatchTimes({ times, observed, config: guarded, quantile: 0.99 });
    const timing = { decodeMs: 0, executeMs: MEAN_MS, encodeMs: 0, rows: 4 };
    for (let batch = 0; batch < 100; batch += 1) batches.record(4, timing, MEAN_MS);
    expect(times.meanMs(guarded)).toBeGreaterThanOrEqual(MEAN_MS);
    expect(times.meanMs(guarded)).toBeLessThan(MEAN_MS + 0.1 * 1.2 * MEAN_MS);
    const [candidate] = times.candidates({ maxBatch: 4, percentile: 99 });
    const carried = percentileRateModel.capacityPerSecond(Array(64).fill(candidate), loose) / 64;
    expect(carried).toBeLessThanOrEqual((4 * 1000) / MEAN_MS);
    expect(carried).toBeGreaterThan((0.85 * 4 * 1000) / MEAN_MS);
  });

  it('is never planned with more than its batch over the mean time observed; nor is a measured one', () => {
    const times = fc.record({
      tabulatedMs: fc.double({ min: 1, max: 1000, noNaN: true }),
      guard: fc.option(fc.double({ min: 1, max: 3, noNaN: true }), { nil: undefined }),
      /** A table that has a smaller batch take longer. */
      smallerMs: fc.double({ min: 1, max: 1000, noNaN: true }),
      batch: fc.integer({ min: 2, max: 32 }),
    });
    const runs = fc.array(fc.double({ min: 0.55, max: 1, noNaN: true }), { minLength: 20, maxLength: 80 });
    fc.assert(
      fc.property(times, runs, ({ tabulatedMs, guard, smallerMs, batch }, slowdowns) => {
        const one = cell(batch, 1000, tabulatedMs, guard === undefined ? {} : { predicted: true });
        const { mean } = one.latencyMs;
        const meanInterval: [number, number] = [mean / (guard ?? 1), mean * (guard ?? 1)];
        const measured = table([
          cell(1, 1000, smallerMs),
          { ...one, latencyMs: { ...one.latencyMs, meanInterval } },
        ]);
        const observed = new ObservedTimes(() => NO_COST);
        const service = new ServiceTimes(measured, (config) => observed.of(config));
        const batches = new BatchTimes({ times: service, observed, config: one, quantile: 0.99 });
        let seenMs = 0;
        for (const [index, slowdown] of slowdowns.entries()) {
          const executeMs = slowdown * service.tabulatedMs(one, batch);
          const weight = Math.max(1 / 50, 1 / (index + 1)); // as observations are remembered
          seenMs += weight * (executeMs - seenMs);
          batches.record(batch, { decodeMs: 0, executeMs, encodeMs: 0, rows: batch }, executeMs);
        }
        const candidates = service.candidates({ maxBatch: 32, percentile: 99 });
        const candidate = candidates.find(({ config }) => config.batch === batch)!;
        const carried = percentileRateModel.capacityPerSecond(Array(64).fill(candidate), loose) / 64;
        expect(carried).toBeLessThanOrEqual((batch * 1000) / seenMs);
      }),
    );
  });
});
