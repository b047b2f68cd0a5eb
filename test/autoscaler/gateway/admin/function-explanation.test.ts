import { afterEach, expect, it } from 'vitest';
import { explanationOf } from '../../../../autoscaler/gateway/admin/function-explanation.ts';
import { constantRate } from '../../../../profiler/load/arrivals/rates.ts';
import { nodeCapacity } from '../../../support/resources.ts';
import { declared } from '../../../support/simulated-functions.ts';
import { SimulatedWorld } from '../../../support/simulated-world.ts';

let world: SimulatedWorld;

afterEach(async () => {
  await world.close();
});

it('tells the expected rate apart from the headroom that was put on it', async () => {
  world = await SimulatedWorld.open({});
  world.controller.run();
  world.controller.deploy(declared('f'));
  world.load('f', constantRate(100, 60_000));
  await world.advance(60_000);
  const managed = world.controller.find('f')!;
  // batches run much as their table says: less than the most is put on it
  expect(managed.headroom).toBeLessThan(1.1);
  const measured = await explanationOf(managed, world.controller);
  expect(measured.neededPerSecond / measured.ratePerSecond).toBeCloseTo(managed.headroom, 6);
  const given = await explanationOf(managed, world.controller, 200);
  expect(given).toMatchObject({ ratePerSecond: 200, neededPerSecond: 200 * managed.headroom });
});

it('counts no config that no node can hold', async () => {
  const node = nodeCapacity({ name: 'small', cpuMillicores: 1_000, memoryBytes: 8e9, gpuPercents: [] });
  world = await SimulatedWorld.open({ nodes: [node] });
  world.controller.run();
  world.controller.deploy(declared('f', { slo: '20ms' })); // which two cores would keep
  await world.advance(5_000);
  await expect(explanationOf(world.controller.find('f')!, world.controller)).rejects.toMatchObject({
    code: 'SLO_INFEASIBLE',
    message: expect.stringContaining('the fastest, b1 c1, takes 27 ms'),
  });
});
