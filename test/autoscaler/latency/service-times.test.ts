import { describe, expect, it } from 'vitest';
import { DEFAULT_TRANSPORT_MS, ServiceTimes } from '../../../autoscaler/latency/service-times.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
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
    expect(candidate!.meanMs - without!.meanMs).toBeCloseTo(14);
    expect(candidate!.tailMs - without!.tailMs).toBeCloseTo(14);
    // One core that is busy for 27 ms a request carries no more than 37 of them a second, whatever the card
    // does.
    expect(percentileRateModel.capacityPerSecond([without!], SLO)).toBeGreaterThan(37);
    expect(percentileRateModel.capacityPerSecond([candidate!], SLO)).toBeLessThan(1000 / 27);
  });

  it('count it for each row of a batch, and once what is not a row’s', () => {
    const rows = (batch: number) => ({ ...onCard(14), batch });
    const times = new ServiceTimes(table([rows(1), rows(4)]));
    expect(times.meanMs({ batch: 4, cpuMillicores: 1000, gpuPercent: 25 })).toBeCloseTo(
      rows(4).latencyMs.mean + 4 * (8.1 + 14) + DEFAULT_TRANSPORT_MS,
    );
  });
});
