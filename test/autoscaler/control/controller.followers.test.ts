import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { Controller, type ControllerParts } from '../../../autoscaler/control/controller.ts';
import { DEFAULT_CONTROL_SETTINGS } from '../../../autoscaler/control/settings.ts';
import { InstanceLost } from '../../../autoscaler/dispatch/dispatch-errors.ts';
import type { BatchTransport } from '../../../autoscaler/dispatch/transport.ts';
import type { StartRequest } from '../../../autoscaler/fleet/platform.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import { SimulatedPlatform } from '../../../autoscaler/simulation/cluster/simulated-platform.ts';
import { SimulatedTransport } from '../../../autoscaler/simulation/cluster/simulated-transport.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { declared, drawnMs } from '../../support/simulated-functions.ts';
import { SimulatedWorld } from '../../support/simulated-world.ts';

let world: SimulatedWorld;

afterEach(async () => {
  world.controller.run();
  await world.close();
  expect(world.cluster.instances).toEqual([]);
});

async function loaded(ratePerSecond: number): Promise<void> {
  world = await SimulatedWorld.open();
  world.controller.run();
  world.controller.deploy(declared('f'));
  await world.advance(3_000);
  world.load('f', constantRate(ratePerSecond, 40_000));
  await world.advance(40_000);
}

function newController(parts: Partial<ControllerParts>): Controller {
  return new Controller({
    platform: new SimulatedPlatform(world.cluster),
    clock: world.clock,
    transport: new SimulatedTransport({ cluster: world.cluster, executionMs: drawnMs }),
    rates: percentileRateModel,
    settings: DEFAULT_CONTROL_SETTINGS,
    logger: pino({ level: 'silent' }),
    ...parts,
  });
}

describe('an autoscaler that follows', () => {
  it('starts nothing, stops nothing, and serves with what there is', async () => {
    await loaded(300);
    const before = world.cluster.instances.map(({ view }) => view.id);
    expect(before.length).toBeGreaterThan(1);
    world.controller.follow();
    const fromMs = world.clock.nowMs();
    const sent = world.load('f', constantRate(20, 10_000), { seed: 3 });
    await world.advance(300_000); // idle for long: one that leads would stop them all
    expect(world.movesSince(fromMs)).toEqual([]);
    expect(sent.length).toBeGreaterThan(100);
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);

    world.controller.run();
    const leadsFromMs = world.clock.nowMs();
    await world.advance(10_000);
    // What the old leader was asked is not known: nothing is given up before it is.
    expect(world.movesSince(leadsFromMs)).toEqual([]);
    await world.advance(600_000);
    expect(world.cluster.instances).toEqual([]); // and then the idle ones go
  });

  it('uses an instance again that failed a batch, though it makes no plans', async () => {
    world = await SimulatedWorld.open();
    const working = new SimulatedTransport({ cluster: world.cluster, executionMs: drawnMs });
    let failures = 0;
    const send: BatchTransport['send'] = (url, requests) => {
      if (failures > 0) return working.send(url, requests);
      failures += 1;
      return Promise.reject(new InstanceLost('it failed'));
    };
    const controller = newController({ transport: { send } });
    await controller.open();
    const managed = controller.deploy(declared('f', { scale: { min: 1 } }));
    controller.run();
    await world.advance(5_000);
    controller.follow();
    const request = { path: '/', contentType: 'text/plain', body: Buffer.from('1') };
    const answer = managed.dispatcher.submit(request, world.clock.nowMs());
    await world.advance(3_000);
    expect((await answer).status).toBe(200);
    expect(failures).toBe(1);
    await controller.close('leave');
  });

  it('stops in the middle of a step when it may not act any more', async () => {
    world = await SimulatedWorld.open();
    let mayAct = true;
    const platform = new SimulatedPlatform(world.cluster);
    const starts: StartRequest[] = [];
    const start = platform.start.bind(platform);
    platform.start = async (request) => {
      starts.push(request);
      mayAct = false; // as when the lease is lost while the API server takes its time
      await start(request);
    };
    const controller = newController({ platform, mayAct: () => mayAct });
    await controller.open();
    controller.deploy(declared('f', { scale: { min: 4 } }));
    controller.run();
    await world.advance(5_000);
    expect(starts).toHaveLength(1);
    mayAct = true;
    await world.advance(1_000);
    expect(starts).toHaveLength(2);
    controller.follow();
    mayAct = true;
    await world.advance(5_000);
    expect(starts).toHaveLength(2);
    await controller.close('leave');
  });
});
