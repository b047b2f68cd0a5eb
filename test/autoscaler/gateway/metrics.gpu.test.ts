import { expect, it } from 'vitest';
import type { Controller } from '../../../autoscaler/control/controller.ts';
import type { GpuReading } from '../../../autoscaler/fleet/platform.ts';
import { GatewayMetrics } from '../../../autoscaler/gateway/metrics.ts';

it('GPUs are told of where there are any: what they do, and what instances have of them', async () => {
  const metrics = new GatewayMetrics('openfaas-fn');
  let readings: GpuReading[] = [
    { node: 'local', uuid: 'GPU-a', utilizationPercent: 87, usedMemoryBytes: 1024, powerWatts: null },
  ];
  metrics.watchGpus({ gpus: () => readings });
  const share = (gpuPercent: number, gpu?: number) => ({
    config: { batch: 1, cpuMillicores: 500, gpuPercent },
    node: 'local',
    phase: 'ready',
    ...(gpu === undefined ? {} : { gpu }),
  });
  metrics.watch({
    functions: [{ name: 'f' }],
    instancesOf: () => [share(25, 0), share(50, 0), share(0), share(20)],
    find: () => undefined,
    shortageOf: () => undefined,
    looserSloMsOf: () => undefined,
  } as unknown as Controller);
  const told = await metrics.registry.metrics();
  expect(told).toContain('infless_gpu_utilization_ratio{node="local",gpu="GPU-a"} 0.87');
  expect(told).toContain('infless_gpu_memory_used_bytes{node="local",gpu="GPU-a"} 1024');
  expect(told).not.toContain('infless_gpu_power_watts{');
  expect(told).toContain('infless_gpu_share{function_name="f.openfaas-fn",node="local",gpu="0"} 0.75');
  expect(told).toContain('infless_gpu_share{function_name="f.openfaas-fn",node="local",gpu=""} 0.2');
  readings = [];
  expect(await metrics.registry.metrics()).not.toContain('GPU-a');
});
