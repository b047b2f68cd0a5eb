import { afterEach, describe, expect, it } from 'vitest';
import { constantRate, rampedRate, steppedRate, totalCount } from '../../../profiler/load/arrivals/rates.ts';
import { nodeCapacity } from '../../support/resources.ts';
import { declared, drawnMs } from '../../support/simulated-functions.ts';
import { attainment, SimulatedWorld, type WorldOptions } from '../../support/simulated-world.ts';
import { settle } from '../../support/virtual-time.ts';

const SLO_MS = 200;

let world: SimulatedWorld;

async function open(options: WorldOptions = {}): Promise<SimulatedWorld> {
  world = await SimulatedWorld.open(options);
  world.controller.run();
  return world;
}

afterEach(async () => {
  await world.close();
  expect(world.cluster.instances).toEqual([]);
});

describe('a function under load', () => {
  it('grows with it, keeps its SLO, and shrinks again', async () => {
    await open();
    world.controller.deploy(declared('f'));
    await world.advance(3_000);
    const curve = rampedRate([
      { atMs: 0, rate: 5 },
      { atMs: 60_000, rate: 500 },
      { atMs: 90_000, rate: 500 },
      { atMs: 120_000, rate: 20 },
      { atMs: 240_000, rate: 20 },
    ]);
    const sent = world.load('f', curve);
    await world.advance(75_000);
    const coresAtPeak = world.coresOf('f');
    await world.advance(170_000);
    expect(sent.length).toBeGreaterThan(0.9 * totalCount(curve));
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(attainment(sent, SLO_MS)).toBeGreaterThan(0.99);
    expect(coresAtPeak).toBeGreaterThan(3);
    expect(world.coresOf('f')).toBeLessThan(0.3 * coresAtPeak);
    expect(world.batches.some(({ size }) => size >= 4)).toBe(true);
    expect(world.errors).toEqual([]);
  });

  it.each([
    { ratePerSecond: 2, minutes: 60, mostMoves: 0 },
    { ratePerSecond: 20, minutes: 10, mostMoves: 2 },
    { ratePerSecond: 150, minutes: 10, mostMoves: 2 },
    { ratePerSecond: 600, minutes: 2, mostMoves: 2 },
  ])(
    'stays as it is for $minutes minutes of $ratePerSecond requests a second',
    async ({ ratePerSecond, minutes, mostMoves }) => {
      await open();
      world.controller.deploy(declared('f'));
      await world.advance(2_000);
      const sent = world.load('f', constantRate(ratePerSecond, 90_000 + minutes * 60_000));
      await world.advance(90_000);
      const settledMs = world.clock.nowMs();
      await world.advance(minutes * 60_000);
      expect(world.movesSince(settledMs).length).toBeLessThanOrEqual(mostMoves);
      const settled = sent.filter(({ arrivalMs }) => arrivalMs > settledMs);
      expect(attainment(settled, SLO_MS)).toBeGreaterThan(0.99);
    },
  );

  it('follows a staircase', async () => {
    await open();
    world.controller.deploy(declared('f'));
    await world.advance(2_000);
    const sent = world.load('f', steppedRate([50, 200, 400, 100, 300], 60_000), { seed: 4 });
    await world.advance(300_000);
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(attainment(sent, SLO_MS)).toBeGreaterThan(0.97);
  });

  it('shares a cluster that is too small, and tells who is short', async () => {
    await open({
      nodes: [nodeCapacity({ name: 'small', cpuMillicores: 4_000, memoryBytes: 8e9, gpuPercents: [] })],
    });
    for (const name of ['f', 'g']) {
      world.controller.deploy(declared(name, { late: 'reject' }));
      world.load(name, constantRate(600, 60_000));
    }
    await world.advance(60_000);
    for (const name of ['f', 'g']) {
      expect(world.instancesOf(name, 'ready').length).toBeGreaterThan(0);
      expect(world.controller.shortageOf(name)!.missingPerSecond).toBeGreaterThan(100);
    }
    expect(world.errors).toEqual([]); // no start was ever refused for want of room
  });

  it('is served as well as can be on a host that is much slower than the table', async () => {
    await open({ executionMs: (config, rows, random) => 6 * drawnMs(config, rows, random) });
    world.controller.deploy(declared('f', { slo: '150ms' }));
    const sent = world.load('f', constantRate(20, 300_000));
    await world.advance(120_000);
    const settledMs = world.clock.nowMs();
    await world.advance(180_000);
    const late = sent.filter(({ arrivalMs }) => arrivalMs > settledMs);
    expect(late.length).toBeGreaterThan(3_000);
    expect(late.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(attainment(late, 600)).toBeGreaterThan(0.95);
    expect(world.movesSince(settledMs).length).toBeLessThanOrEqual(4);
  });
});

describe('a function that nobody calls', () => {
  it('is kept warm for its idle time, and then stopped', async () => {
    await open();
    world.controller.deploy(declared('f', { scale: { idle: '60s' } }));
    await world.advance(59_000);
    expect(world.instancesOf('f', 'ready')).toHaveLength(1);
    await world.advance(3_000);
    expect(world.instancesOf('f')).toEqual([]);
  });

  it('is woken by a request, which is held until there is an instance', async () => {
    await open();
    world.controller.deploy(declared('f', { scale: { idle: '10s' } }));
    await world.advance(20_000);
    expect(world.instancesOf('f')).toEqual([]);
    const held = world.send('f');
    await settle();
    expect(world.instancesOf('f', 'starting')).toHaveLength(1); // at once, not with the next step of the loop
    await world.advance(2_000);
    const { latencyMs, error } = await held;
    expect(error).toBeUndefined();
    expect(latencyMs).toBeLessThan(1_000 + SLO_MS);
  });

  it('holds a request no longer than it may wait', async () => {
    await open({ startUp: () => ({ afterMs: 60_000 }) });
    world.controller.deploy(declared('f', { maxWait: '5s' }));
    const held = world.send('f');
    await world.advance(5_000);
    expect(await held).toMatchObject({ latencyMs: 5_000, error: { code: 'UNAVAILABLE' } });
  });

  it('keeps its minimum for ever', async () => {
    await open();
    world.controller.deploy(declared('f', { scale: { min: 2, idle: '5s' } }));
    await world.advance(120_000);
    expect(world.instancesOf('f', 'ready')).toHaveLength(2);
  });
});

describe('a redeploy', () => {
  it('replaces every instance without losing a request, or capacity', async () => {
    await open();
    world.controller.deploy(declared('f'));
    const sent = world.load('f', constantRate(200, 120_000));
    await world.advance(45_000);
    world.controller.deploy(declared('f', {}, { version: 'v2' }));
    await world.advance(80_000);
    expect(new Set(world.instancesOf('f').map(({ version }) => version))).toEqual(new Set(['v2']));
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
    const around = sent.filter(({ arrivalMs }) => arrivalMs > 1_000_000 + 40_000);
    expect(attainment(around, SLO_MS)).toBeGreaterThan(0.99);
  });

  it('of the same model moves nothing, even under load', async () => {
    await open();
    world.controller.deploy(declared('f'));
    world.load('f', constantRate(300, 120_000));
    await world.advance(60_000);
    const before = world.instancesOf('f');
    const redeployed = world.controller.deploy(declared('f', { maxWait: '10s' }));
    expect(redeployed.seenAt(world.clock.nowMs()).currentPerSecond).toBeGreaterThan(200);
    await world.advance(20_000);
    expect(before).toEqual(expect.arrayContaining(world.instancesOf('f'))); // nothing had to be started anew
  });

  it('ends on a node without room for both', async () => {
    await open({
      nodes: [nodeCapacity({ name: 'small', cpuMillicores: 2_000, memoryBytes: 8e9, gpuPercents: [] })],
    });
    world.controller.deploy(declared('f', { scale: { min: 4 }, maxBatch: 1 }));
    await world.advance(10_000);
    expect(world.coresOf('f')).toBe(2);
    world.controller.deploy(declared('f', { scale: { min: 4 }, maxBatch: 1 }, { version: 'v2' }));
    await world.advance(60_000);
    expect(world.instancesOf('f', 'ready').map(({ version }) => version)).toEqual(['v2', 'v2', 'v2', 'v2']);
  });
});

describe('deleting a function', () => {
  it('finishes what runs, fails what waits, and leaves nothing', async () => {
    await open({ executionMs: () => 400 });
    world.controller.deploy(declared('f', { maxBatch: 1, scale: { max: 1 } }));
    await world.advance(5_000);
    const runs = world.send('f');
    const waits = world.send('f');
    await world.advance(10);
    world.controller.remove('f');
    await world.advance(2_000);
    expect((await runs).error).toBeUndefined();
    expect((await waits).error).toMatchObject({ code: 'FUNCTION_NOT_FOUND' });
    expect(world.cluster.instances).toEqual([]);
  });
});

describe('memory', () => {
  it('of an instance that drains is not given to another, though its function is there no more', async () => {
    await open({
      nodes: [nodeCapacity({ name: 'tight', cpuMillicores: 8_000, memoryBytes: 150e6, gpuPercents: [] })],
      executionMs: () => 4_000,
    });
    world.controller.deploy(declared('f'));
    await world.advance(2_000);
    const runs = world.send('f');
    await world.advance(100);
    world.controller.remove('f');
    world.controller.deploy(declared('g'));
    await world.advance(3_000);
    expect(world.instancesOf('g')).toEqual([]);
    await world.advance(3_000);
    expect((await runs).error).toBeUndefined();
    expect(world.instancesOf('g', 'ready')).toHaveLength(1);
    expect(world.errors).toEqual([]);
  });
});

describe('instances that cannot start', () => {
  it('are tried again with growing pauses, and requests are told', async () => {
    await open({ startUp: () => ({ afterMs: 100, failure: 'no such model' }) });
    world.controller.deploy(declared('f'));
    const first = world.send('f');
    await world.advance(5_000);
    expect(await first).toMatchObject({ error: { code: 'UNAVAILABLE', status: 503 } });
    expect((await first).error!.message).toBe('Instances of function "f" cannot start: no such model');
    const next = world.send('f'); // while the next attempt is still far
    await settle();
    expect(await next).toMatchObject({
      latencyMs: 0,
      error: { details: { retryAfterMs: expect.any(Number) } },
    });
    await world.advance(55_000);
    const starts = world.moves.filter(({ what }) => what === 'start').map(({ atMs }) => atMs);
    expect(starts.length).toBeGreaterThan(4);
    expect(starts.length).toBeLessThan(9);
    const pauses = starts.slice(1).map((atMs, index) => atMs - starts[index]!);
    for (const [index, pause] of pauses.slice(1).entries()) expect(pause).toBeGreaterThan(pauses[index]!);
  });

  it('serve as soon as they can', async () => {
    let isBroken = true;
    await open({ startUp: () => ({ afterMs: 100, ...(isBroken ? { failure: 'disk full' } : {}) }) });
    world.controller.deploy(declared('f'));
    await world.advance(10_000);
    isBroken = false;
    await world.advance(30_000);
    expect((await Promise.all([world.send('f'), world.advance(1_000)]))[0].error).toBeUndefined();
  });

  it('are not started over and over when they die of their first batch', async () => {
    await open();
    world.controller.deploy(declared('f'));
    for (let second = 0; second < 120; second += 1) {
      await world.advance(1_000);
      for (const { id } of world.instancesOf('f', 'ready')) world.cluster.crash(id, 'out of memory');
    }
    expect(world.moves.filter(({ what }) => what === 'start').length).toBeLessThan(12);
  });
});

describe('losing an instance under load', () => {
  it('loses no request, and it is replaced', async () => {
    await open();
    world.controller.deploy(declared('f', { scale: { min: 3 } }));
    const sent = world.load('f', constantRate(100, 60_000));
    await world.advance(45_000);
    const before = world.instancesOf('f', 'ready');
    expect(before.length).toBeGreaterThanOrEqual(3);
    world.cluster.crash(before[0]!.id, 'killed');
    await world.advance(20_000);
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(world.instancesOf('f', 'ready').length).toBeGreaterThanOrEqual(3);
    expect(world.instancesOf('f')).not.toContainEqual(before[0]);
    const around = sent.filter(({ arrivalMs }) => Math.abs(arrivalMs - 1_045_000) < 5_000);
    expect(attainment(around, SLO_MS)).toBeGreaterThan(0.8);
  });

  it('loses none when it is the only one', async () => {
    await open();
    world.controller.deploy(declared('f', { scale: { max: 1 } }));
    const sent = world.load('f', constantRate(5, 60_000));
    await world.advance(30_000);
    world.cluster.crash(world.instancesOf('f')[0]!.id, 'killed');
    await world.advance(35_000);
    expect(sent.length).toBeGreaterThan(250);
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('replaces one that fails every batch although its platform calls it ready', async () => {
    let isFaulty = false;
    await open({
      executionMs: (config, rows, random) => {
        if (isFaulty) throw new Error('wedged');
        return drawnMs(config, rows, random);
      },
    });
    world.controller.deploy(declared('f'));
    await world.advance(5_000);
    const [wedged] = world.instancesOf('f');
    isFaulty = true;
    world.load('f', constantRate(2, 60_000));
    await world.advance(6_000);
    isFaulty = false;
    await world.advance(30_000);
    expect(world.instancesOf('f').map(({ id }) => id)).not.toContain(wedged!.id);
    expect(world.instancesOf('f', 'ready').length).toBeGreaterThan(0);
  });
});

describe('a restart of the autoscaler', () => {
  it('adopts what runs and keeps it under load', async () => {
    await open();
    for (const name of ['f', 'g']) world.controller.deploy(declared(name));
    for (const name of ['f', 'g']) world.load(name, constantRate(200, 30_000));
    await world.advance(33_000);
    const before = world.cluster.instances.map(({ view }) => view.id);
    expect(before.length).toBeGreaterThan(3);

    await world.restart();
    const restartedMs = world.clock.nowMs();
    for (const name of ['f', 'g']) {
      world.controller.deploy(declared(name));
      // declaring takes its time, and no loop must take g's instances for no one's meanwhile
      await world.advance(700);
    }
    world.controller.run();
    const sent = ['f', 'g'].flatMap((name) => world.load(name, constantRate(200, 30_000), { seed: 2 }));
    await world.advance(25_000);
    // Nothing is given up before the recent past is known; afterwards, only what a function has just been
    // given to be safe.
    const stops = world.movesSince(restartedMs).filter(({ what }) => what === 'stop');
    expect(stops.filter(({ atMs }) => atMs < restartedMs + 15_000)).toEqual([]);
    const kept = before.filter((id) => world.cluster.instances.some(({ view }) => view.id === id));
    expect(kept.length).toBeGreaterThanOrEqual(before.length - 2);
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
    await world.advance(10_000);
  });

  it('stops what belongs to no function any more', async () => {
    await open();
    for (const name of ['f', 'g']) world.controller.deploy(declared(name));
    await world.advance(5_000);
    await world.restart();
    world.controller.deploy(declared('f'));
    world.controller.run();
    await world.advance(2_000);
    expect(world.cluster.instances.map(({ view }) => view.functionName)).toEqual(['f']);
  });
});

describe('the loop itself', () => {
  it('does not run for every request that no instance can be started for', async () => {
    await open({ startUp: () => ({ afterMs: 50, failure: 'no such model' }) });
    let asked = 0;
    const managed = world.controller.deploy(declared('f'));
    const candidates = managed.candidates.bind(managed);
    managed.candidates = () => {
      asked += 1;
      return candidates();
    };
    world.load('f', constantRate(500, 30_000));
    await world.advance(30_000);
    expect(asked).toBeLessThan(200); // some sixty steps of its own, and those after failed starts
  });
});
