import { describe, expect, it } from 'vitest';
import type { Instance } from '../../../../autoscaler/cluster/instance.ts';
import type { InstanceUsage } from '../../../../autoscaler/fleet/platform.ts';
import { UsageMeter } from '../../../../autoscaler/gateway/openfaas/usage-meter.ts';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';

function instance(id: string, startedAtMs: number): Instance {
  return {
    ...{ id, functionName: 'f', version: 'v', node: 'n', phase: 'ready', url: undefined, startedAtMs },
    config: { batch: 1, cpuMillicores: 1000, gpuPercent: 0 },
    readyAtMs: startedAtMs,
  };
}

describe('the usage of a function', () => {
  const clock = new VirtualClock(1_000_000);
  const usages = new Map<string, InstanceUsage>();
  const meter = new UsageMeter({ usage: async (id) => usages.get(id) }, clock);
  const both = [instance('a', clock.nowMs()), instance('b', clock.nowMs())];

  it('is what its instances have used since it was last asked for', async () => {
    expect(await meter.of(both)).toBeUndefined();
    clock.runUntil(clock.nowMs() + 10_000);
    usages.set('a', { cpuMs: 5_000, memoryBytes: 100 });
    usages.set('b', { cpuMs: 1_000, memoryBytes: 50 });
    expect(await meter.of(both)).toEqual({ cpu: 600, totalMemoryBytes: 150 });
    clock.runUntil(clock.nowMs() + 2_000);
    usages.set('a', { cpuMs: 6_000, memoryBytes: 100 });
    expect(await meter.of(both)).toEqual({ cpu: 500, totalMemoryBytes: 150 });
  });

  it('is that since their start when it was asked for a moment ago', async () => {
    clock.runUntil(clock.nowMs() + 500);
    usages.set('a', { cpuMs: 6_250, memoryBytes: 90 });
    expect(await meter.of(both)).toEqual({ cpu: 580, totalMemoryBytes: 140 });
  });

  it('knows nothing more of instances that are gone', async () => {
    meter.keepOnly(new Set(['b']));
    clock.runUntil(clock.nowMs() + 2_000);
    usages.delete('b');
    expect(await meter.of([both[0]!])).toEqual({ cpu: Math.round(6_250 / 14.5), totalMemoryBytes: 90 });
  });
});
