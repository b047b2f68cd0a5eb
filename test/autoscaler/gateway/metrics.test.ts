import { expect, it } from 'vitest';
import type { Controller } from '../../../autoscaler/control/controller.ts';
import { GatewayMetrics } from '../../../autoscaler/gateway/metrics.ts';

it('a function that is deleted leaves no series, whatever of it ends later', async () => {
  const metrics = new GatewayMetrics('openfaas-fn');
  const there = new Set(['kept', 'deleted']);
  metrics.watch({
    get functions() {
      return [...there].map((name) => ({ name, tableMismatches: [] }));
    },
    find: (name: string) => (there.has(name) ? { dispatcher: { queued: 0, inFlight: 0 } } : undefined),
    instancesOf: () => [],
    shortageOf: () => undefined,
    looserSloMsOf: () => undefined,
    actionCounts: [],
  } as unknown as Controller);
  for (const name of there) {
    metrics.started(name);
    metrics.answered(name, 200, 12, false);
    metrics.answered(name, 503, 12, true);
    metrics.batchRan(name, { instanceId: 'i', size: 2, roundTripMs: 1, executeMs: 1 });
    metrics.batchRan(name, { instanceId: 'i', size: 2, roundTripMs: 1, executeMs: 1, ranAlone: 'rows' });
  }
  expect(await metrics.registry.metrics()).toContain('deleted.openfaas-fn');
  there.delete('deleted');
  metrics.answered('deleted', 404, 12, false);
  const told = await metrics.registry.metrics();
  expect(told).not.toContain('deleted.openfaas-fn');
  expect(told).toMatch(/invocation_total\{function_name="kept\.openfaas-fn",code="503"\} 1/);
});
