import { afterEach, describe, expect, it } from 'vitest';
import { type FunctionStatus, statusOf } from '../../../autoscaler/gateway/admin/function-status.ts';
import { GatewayMetrics } from '../../../autoscaler/gateway/metrics.ts';
import { SimulatedPlatform } from '../../../autoscaler/simulation/cluster/simulated-platform.ts';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { cell, table } from '../../profiles/sample-table.ts';
import { nodeCapacity } from '../../support/resources.ts';
import { declared } from '../../support/simulated-functions.ts';
import { SimulatedWorld } from '../../support/simulated-world.ts';

const SECOND_MS = 1_000;

let world: SimulatedWorld;
let metrics: GatewayMetrics;

async function open(cores: number): Promise<void> {
  const node = nodeCapacity({
    name: 'node',
    cpuMillicores: cores * 1_000,
    memoryBytes: 8e9,
    gpuPercents: [],
  });
  world = await SimulatedWorld.open({ nodes: [node] });
  metrics = new GatewayMetrics('ns');
  metrics.watch(world.controller);
  world.controller.run();
}

function statusNow(name: string): Promise<FunctionStatus> {
  const { controller, cluster, clock } = world;
  return statusOf(controller.find(name)!, controller, new SimulatedPlatform(cluster), clock.nowMs());
}

/** Lines of a metric, without the help. */
async function metricOf(name: string): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(`${name}{`));
}

function logged(name: string): (string | undefined)[][] {
  return world.log
    .filter((line) => line.function === name && /^a function (is short|has what|can)/.test(line.msg))
    .map(({ msg, reason }) => [msg, reason]);
}

afterEach(() => world.close());

describe('a function that can have no instance', () => {
  it('is told why in its status, the log and a metric where no node is large enough', async () => {
    await open(0.2);
    world.controller.deploy(declared('f', { maxWait: '20s' }));
    const waits = world.send('f');
    await world.advance(5 * SECOND_MS);
    const reason = 'No node is large enough for any of its configs.';
    expect(await statusNow('f')).toMatchObject({ phase: 'failing', reason, warnings: [reason], queued: 1 });
    expect(logged('f')).toEqual([['a function is short of instances', reason]]);
    expect(await metricOf('infless_shortage')).toEqual([
      'infless_shortage{function_name="f.ns",reason="NoSuitableNode"} 1',
    ]);
    await world.advance(20 * SECOND_MS);
    expect((await waits).error).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is told so where others need all there is, and is served as soon as they leave', async () => {
    await open(2);
    world.controller.deploy(declared('g', { scale: { min: 4 }, maxBatch: 1 }));
    await world.advance(5 * SECOND_MS);
    expect(world.coresOf('g')).toBe(2);
    world.controller.deploy(declared('f', { maxWait: '3m' }));
    const waits = world.send('f');
    await world.advance(60 * SECOND_MS); // longer than any rate is measured over
    const status = await statusNow('f');
    expect(status).toMatchObject({
      phase: 'failing',
      reason: expect.stringMatching(/^The cluster has no room for /),
    });
    expect(status.missingPerSecond).toBeGreaterThan(0);
    expect(await metricOf('infless_shortage')).toEqual([
      'infless_shortage{function_name="f.ns",reason="ClusterFull"} 1',
    ]);
    world.controller.remove('g');
    await world.advance(15 * SECOND_MS);
    expect((await waits).error).toBeUndefined();
    expect(await statusNow('f')).toMatchObject({ phase: 'ready', warnings: [], missingPerSecond: 0 });
    expect(await metricOf('infless_shortage')).toEqual([]);
    expect(logged('f')).toEqual([
      ['a function is short of instances', expect.stringMatching(/^The cluster has no room for /)],
      ['a function has what it needs again', undefined],
    ]);
  });

  it('gets what another keeps warm for nobody, however long its request has waited', async () => {
    await open(2);
    world.controller.deploy(declared('g', { scale: { idle: '20m', policy: 'fixed' } }, LARGE));
    await world.advance(5 * SECOND_MS);
    world.load('g', constantRate(2, 45 * SECOND_MS));
    await world.advance(5 * SECOND_MS);
    expect(world.coresOf('g')).toBe(2);
    world.controller.deploy(declared('f', { maxWait: '150s' }));
    const waits = world.send('f');
    await world.advance(40 * SECOND_MS);
    expect(world.instancesOf('f')).toEqual([]); // g has requests, and no more than it needs
    await world.advance(120 * SECOND_MS);
    expect(await waits).toMatchObject({ error: undefined });
  });
});

/** A model that takes two cores. */
const LARGE = { profile: table([cell(1, 2_000, 20)]) };

describe('a function that has fewer instances than it needs', () => {
  it('is told whether that is the cluster, or its own limit', async () => {
    await open(8);
    world.controller.deploy(declared('f', { scale: { max: 1 } }));
    world.load('f', constantRate(500, 30 * SECOND_MS));
    await world.advance(20 * SECOND_MS);
    const reason = /^scale\.max allows 1 instance: too few for .* of the requests per second\.$/;
    expect(await statusNow('f')).toMatchObject({ phase: 'ready', warnings: [expect.stringMatching(reason)] });
    expect(await metricOf('infless_shortage')).toEqual([
      'infless_shortage{function_name="f.ns",reason="MaxInstances"} 1',
    ]);
    expect(logged('f')).toEqual([['a function is short of instances', expect.stringMatching(reason)]]);
  });

  it('is complained of once, though it comes and goes', async () => {
    await open(2);
    world.controller.deploy(declared('f', { scale: { max: 1 } }));
    for (let burst = 0; burst < 8; burst += 1) {
      world.load('f', constantRate(300, 3 * SECOND_MS), { seed: burst });
      await world.advance(6 * SECOND_MS);
    }
    expect(logged('f').map(([msg]) => msg)).toEqual(['a function is short of instances']);
  });

  it('is not told to be short by one who does not plan any more', async () => {
    await open(0.2);
    world.controller.deploy(declared('f'));
    await world.advance(5 * SECOND_MS);
    expect(world.controller.shortageOf('f')).toBeDefined();
    world.controller.follow();
    expect(world.controller.shortageOf('f')).toBeUndefined();
  });
});
