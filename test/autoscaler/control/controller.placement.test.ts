import { afterEach, describe, expect, it } from 'vitest';
import { constantRate } from '../../../profiler/load/arrivals/rates.ts';
import { nodeCapacity } from '../../support/resources.ts';
import { declared } from '../../support/simulated-functions.ts';
import { attainment, SimulatedWorld } from '../../support/simulated-world.ts';

const NODES = ['a', 'b'].map((pool) =>
  nodeCapacity({
    name: `node-${pool}`,
    labels: { pool },
    cpuMillicores: 32_000,
    memoryBytes: 64e9,
    gpuPercents: [],
  }),
);

let world: SimulatedWorld;

async function open(): Promise<void> {
  world = await SimulatedWorld.open({ nodes: NODES });
  world.controller.run();
}

function nodesOf(name: string): Set<string> {
  return new Set(world.instancesOf(name).map(({ node }) => node));
}

afterEach(() => world.close());

describe('a function with a node selector', () => {
  it('is served by nodes with these labels only, one after the other as they are asked for', async () => {
    await open();
    world.controller.deploy(declared('f', { nodeSelector: { pool: 'b' } }));
    await world.advance(3_000);
    const sent = world.load('f', constantRate(300, 90_000));
    await world.advance(30_000);
    expect(nodesOf('f')).toEqual(new Set(['node-b']));
    world.controller.deploy(declared('f', { nodeSelector: { pool: 'a' } }));
    await world.advance(60_000);
    expect(nodesOf('f')).toEqual(new Set(['node-a']));
    expect(attainment(sent, 200)).toBeGreaterThan(0.98);
  });

  it('is told to be short where no node has them, and why, and keeps nobody else from being left alone', async () => {
    await open();
    world.controller.deploy(declared('nowhere', { nodeSelector: { pool: 'c' } }));
    world.controller.deploy(declared('f'));
    await world.advance(5_000);
    expect(world.instancesOf('nowhere')).toEqual([]);
    expect(world.controller.shortageOf('nowhere')).toEqual({
      functionName: 'nowhere',
      missingPerSecond: 0,
      missingInstances: 1,
      reason: 'No node has the labels that it asks for: pool=c',
    });
    expect(world.instancesOf('f', 'ready')).toHaveLength(1);
  });
});

describe('a function with limits', () => {
  it('has no instance beyond them', async () => {
    await open();
    world.controller.deploy(declared('f', { limits: { cpu: 1 } }));
    await world.advance(3_000);
    world.load('f', constantRate(300, 30_000));
    await world.advance(30_000);
    const quotas = world.instancesOf('f').map(({ config }) => config.cpuMillicores);
    expect(quotas.length).toBeGreaterThan(1);
    expect(Math.max(...quotas)).toBeLessThanOrEqual(1_000);
  });

  it('is refused with the limit’s name where only more would keep the SLO', async () => {
    await open();
    const deploy = () => world.controller.deploy(declared('f', { slo: '20ms', limits: { cpu: 0.5 } }));
    expect(deploy).toThrow('since limits.cpu is 0.5');
    expect(world.controller.find('f')).toBeUndefined();
  });
});
