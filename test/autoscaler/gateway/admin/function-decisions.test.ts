import { afterEach, expect, it } from 'vitest';
import { decisionsOf } from '../../../../autoscaler/gateway/admin/function-decisions.ts';
import { GatewayMetrics } from '../../../../autoscaler/gateway/metrics.ts';
import { constantRate } from '../../../../profiler/load/arrivals/rates.ts';
import { declared } from '../../../support/simulated-functions.ts';
import { SimulatedWorld } from '../../../support/simulated-world.ts';

let world: SimulatedWorld;

afterEach(async () => {
  await world.close();
});

it('tells each change in the log, by REST and in metrics alike', async () => {
  world = await SimulatedWorld.open({});
  world.controller.run();
  world.controller.deploy(declared('f'));
  world.load('f', constantRate(400, 20_000));
  await world.advance(30_000);
  const { decisions } = decisionsOf('f', world.controller);
  const lines = world.log.map(({ msg }) => msg).filter((msg) => msg.startsWith('f: '));
  expect(decisions.map(({ text }) => text).toReversed()).toEqual(lines);
  expect(decisions.at(-1)!.text).toMatch(/^f: 0 → 1 × b\d+ c[\d.]+: 0\/s forecast, 0\/s carried; kept warm/);
  const grown = decisions.find(({ actions }) => actions.some(({ reason }) => reason === 'growth'))!;
  expect(grown.forecastPerSecond).toBeGreaterThan(grown.carriedPerSecond);
  expect(grown.constraint).not.toBe('none');
  expect(JSON.parse(JSON.stringify(decisions))).toEqual(decisions);
  expect(decisionsOf('g', world.controller)).toEqual({ decisions: [] });

  const metrics = new GatewayMetrics('ns');
  metrics.watch(world.controller);
  const text = await metrics.registry.getSingleMetricAsString('infless_scaling_actions_total');
  const starts = decisions.flatMap(({ actions }) =>
    actions.filter(({ reason }) => reason === 'growth'),
  ).length;
  expect(text).toContain(
    `infless_scaling_actions_total{function_name="f.ns",action="start",reason="growth"} ${starts}`,
  );
});
