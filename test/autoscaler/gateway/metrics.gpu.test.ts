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
  } as unknown as Controller);
  const told = (name: string) => metrics.registry.getSingleMetricAsString(`infless_gpu_${name}`);
  expect(await told('utilization_ratio')).toContain('{node="local",gpu="GPU-a"} 0.87');
  expect(await told('memory_used_bytes')).toContain('{node="local",gpu="GPU-a"} 1024');
  expect(await told('power_watts')).not.toContain('GPU-a');
  const share0 = 'infless_gpu_share{function_name="f.openfaas-fn",node="local",gpu="0"} 0.75';
  expect(await told('share')).toContain(share0);
  expect(await told('share')).toContain('gpu=""} 0.2');
  readings = [];
  expect(await told('utilization_ratio')).not.toContain('GPU-a');
});
