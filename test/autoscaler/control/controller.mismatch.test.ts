import { afterEach, expect, it } from 'vitest';
import { explanationOf } from '../../../autoscaler/gateway/admin/function-explanation.ts';
import { statusOf } from '../../../autoscaler/gateway/admin/function-status.ts';
import { GatewayMetrics } from '../../../autoscaler/gateway/metrics.ts';
import { SimulatedPlatform } from '../../../autoscaler/simulation/cluster/simulated-platform.ts';
import { renderExplanation } from '../../../autoscaler/what-if/report/explanation-text.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { viewOf } from '../../../profiles/lookup.ts';
import { nodeCapacity } from '../../support/resources.ts';
import { declared, PROFILE } from '../../support/simulated-functions.ts';
import { SimulatedWorld, type WorldOptions } from '../../support/simulated-world.ts';

const NODE = nodeCapacity({ name: 'node', cpuMillicores: 8_000, memoryBytes: 16e9, gpuPercents: [] });

let world: SimulatedWorld;
afterEach(() => world.close());

/** A world in which batches take so many times what the table says. */
async function open(factor: number) {
  const executionMs: WorldOptions['executionMs'] = (config, rows) =>
    factor * viewOf(PROFILE).meanMs(config, rows);
  world = await SimulatedWorld.open({ nodes: [NODE], executionMs });
  const metrics = new GatewayMetrics('ns');
  metrics.watch(world.controller);
  world.controller.run();
  world.controller.deploy(declared('f', { slo: '1s' }));
  world.load('f', constantRate(20, 200_000));
  await world.advance(180_000);
  const managed = world.controller.find('f')!;
  const platform = new SimulatedPlatform(world.cluster);
  const text = await metrics.registry.metrics();
  return {
    status: await statusOf(managed, world.controller, platform, world.clock.nowMs()),
    explanation: renderExplanation(await explanationOf(managed, world.controller)),
    log: world.log.filter(({ msg }) => /profile table/.test(String(msg))),
    metric: text.split('\n').filter((line) => line.startsWith('infless_table_mismatch{')),
  };
}

it('a table that running stays away from is told in status, log, metric and explanation', async () => {
  const { status, explanation, log, metric } = await open(1.5);
  const [first] = status.tableMismatches!;
  expect(first!.slowdown).toBeCloseTo(1.5, 1);
  expect(status.warnings.join()).toMatch(
    /The table does not match here: b\d c[\d.]+ takes 1\.50 times as long/,
  );
  expect(log).toMatchObject([
    {
      level: 30,
      function: 'f',
      msg: 'a function is planned by its profile table',
      grade: expect.any(String),
    },
    { level: 40, function: 'f', reason: expect.stringMatching(/does not match here: b\d/) },
  ]);
  expect(explanation).toMatch(/table {6}The table does not match here: b\d/);
  expect(metric.length).toBe(status.tableMismatches!.length);
  expect(metric[0]).toMatch(/^infless_table_mismatch\{function_name="f\.ns",config="b\d c[\d.]+"\} 1\.[45]/);
});

it('one that is right is not', async () => {
  const { status, explanation, log, metric } = await open(1);
  expect(status.tableMismatches).toEqual([]);
  expect(explanation).not.toContain('does not match');
  expect(log.map(({ level }) => level)).toEqual([30]);
  expect(metric).toEqual([]);
});
