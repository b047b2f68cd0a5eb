import { describe, expect, it } from 'vitest';
import type { Instance } from '../../../../autoscaler/cluster/instance.ts';
import { fragmentation } from '../../../../autoscaler/simulation/meters/fragmentation.ts';
import { RequestMeter } from '../../../../autoscaler/simulation/meters/request-meter.ts';
import { ResourceMeter } from '../../../../autoscaler/simulation/meters/resource-meter.ts';
import { lpBound } from '../../../bench/support/lp-bound.mjs';
import { nodeCapacity } from '../../../support/resources.ts';

describe('fragmentation', () => {
  const CONFIGS = [
    { batch: 1, cpuMillicores: 2000, gpuPercent: 0 },
    { batch: 1, cpuMillicores: 1000, gpuPercent: 30 },
  ];
  const nodes = (cpuMillicores: number, ...gpuPercents: number[]) => [
    nodeCapacity({ name: 'n', cpuMillicores, memoryBytes: 1, gpuPercents }),
  ];
  const holder = (cpuMillicores: number, gpuPercent: number, gpu?: number) => ({
    config: { batch: 1, cpuMillicores, gpuPercent },
    node: 'n',
    gpu,
  });

  it('counts what nothing fits into, on nodes in use', () => {
    // 1 core is left: too little for the one, enough for the other as long as a GPU has 30 % left.
    expect(fragmentation(nodes(4000, 100), [holder(3000, 0)], CONFIGS)).toBe(0);
    const total = 4 * 64 + 100 * 142;
    expect(fragmentation(nodes(4000, 100), [holder(3000, 80, 0)], CONFIGS)).toBeCloseTo(
      (64 + 20 * 142) / total,
    );
    expect(fragmentation(nodes(4000, 100), [holder(4000, 0)], CONFIGS)).toBeCloseTo((100 * 142) / total);
    expect(fragmentation(nodes(500, 10), [], CONFIGS)).toBe(0);
  });
});

describe('ResourceMeter', () => {
  it('integrates what is held from the end of the warm-up on', () => {
    let nowMs = 0;
    const meter = new ResourceMeter(
      () => nowMs,
      1000,
      () => 80,
    );
    const instance = (id: string, phase: Instance['phase'], readyAtMs?: number): Instance => ({
      id,
      functionName: 'f',
      version: 'v',
      config: { batch: 4, cpuMillicores: 1000, gpuPercent: 10 },
      node: 'n',
      gpu: 0,
      phase,
      url: undefined,
      startedAtMs: 0,
      readyAtMs,
    });
    const price = 64 + 10 * 142;
    meter.started(instance('a', 'starting'));
    nowMs = 500;
    meter.ready(instance('a', 'ready', 500));
    nowMs = 2000;
    expect(meter.totals).toMatchObject({ priceMs: 1000 * price, starts: 0 });
    meter.started(instance('b', 'starting'));
    expect(meter.holdingOf('f')).toEqual({ instances: 2, ready: 1, price: 2 * price, fluidPerSecond: 160 });
    nowMs = 3000;
    meter.stopping(instance('a', 'draining', 500));
    expect(meter.holdingOf('f').ready).toBe(0);
    meter.gone(instance('a', 'draining', 500), false);
    meter.gone(instance('b', 'starting'), false);
    nowMs = 9000;
    expect(meter.totals).toEqual({
      priceMs: 3000 * price,
      cpuMillicoreMs: 3000 * 1000,
      gpuPercentMs: 3000 * 10,
      starts: 1,
      stops: 1,
      crashes: 1,
      refused: 0,
    });
    expect(meter.holders).toEqual([]);
  });
});

describe('RequestMeter', () => {
  it('counts an answer after the SLO as late and none as failed', () => {
    const meter = new RequestMeter(200);
    for (let request = 0; request < 5; request += 1) meter.arrived(request === 0);
    meter.answered(50);
    meter.answered(200);
    meter.answered(200.1);
    meter.failed();
    expect(meter.summary).toMatchObject({ requests: 5, inTime: 2, late: 1, failed: 2, cold: 1 });
  });
});

describe('lpBound', () => {
  const CPU = { price: 64, ratePerSecond: 10, cpuMillicores: 1000, gpuPercent: 0 };
  const GPU = { price: 1484, ratePerSecond: 100, cpuMillicores: 1000, gpuPercent: 10 };

  it('is a mixture where one resource runs out', async () => {
    const bound = await lpBound([[CPU, GPU]], { cpuMillicores: 4000, gpuPercent: 100 });
    expect(bound.cheapest([0])).toBe(0);
    expect(bound.cheapest([25])).toBeCloseTo(2.5 * 64, 6);
    // x + y = 4 cores, 10x + 100y = 220
    expect(bound.cheapest([220])).toBeCloseTo(2 * 64 + 2 * 1484, 6);
    expect(bound.cheapest([400])).toBeCloseTo(4 * 1484, 6);
    expect(bound.cheapest([401])).toBeUndefined();
  });

  it('shares the cluster among functions', async () => {
    const bound = await lpBound([[CPU], [CPU, GPU]], { cpuMillicores: 4000, gpuPercent: 100 });
    expect(bound.cheapest([30, 10])).toBeCloseTo(4 * 64, 6);
    expect(bound.cheapest([30, 100])).toBeCloseTo(3 * 64 + 1484, 6);
    expect(bound.cheapest([40, 1])).toBeUndefined();
  });
});
