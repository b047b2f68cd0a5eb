import { afterEach, beforeEach, expect, it } from 'vitest';
import { History, SAMPLE_MS } from '../../../../autoscaler/gateway/ui/history.ts';
import { constantRate } from '../../../../profiler/load/arrivals/rates.ts';
import { declared } from '../../../support/simulated-functions.ts';
import { SimulatedWorld } from '../../../support/simulated-world.ts';

let world: SimulatedWorld;
let history: History;

beforeEach(async () => {
  world = await SimulatedWorld.open({});
  history = new History({ controller: world.controller, clock: world.clock });
  history.run();
  world.controller.run();
  world.controller.deploy(declared('f', { scale: { idle: '30s', policy: 'fixed' } }));
});

afterEach(async () => {
  history.close();
  await world.close();
});

it('knows rates, latencies and instances of the last ten minutes', async () => {
  const sent = world.load('f', constantRate(100, 60_000));
  await world.advance(60_000);
  const samples = history.samplesOf('f');
  expect(samples.length).toBe(60_000 / SAMPLE_MS);
  const now = samples.at(-1)!;
  expect(now.ratePerSecond).toBeGreaterThan(70);
  expect(now.ready).toBe(world.instancesOf('f', 'ready').length);
  expect(now.cpuMillicores).toBe(world.coresOf('f') * 1000);
  expect(sent.length).toBeGreaterThan(4_000);
  expect(samples[0]).toMatchObject({ p99Ms: null, attainment: null });

  await world.advance(700_000);
  expect(history.samplesOf('f')).toHaveLength(300);
});

it('follows each instance from its start until it is forgotten', async () => {
  const before = Math.round(world.clock.nowMs());
  await world.advance(10_000);
  const [episode] = history.episodesOf('f');
  expect(episode!.instance).toMatchObject({ functionName: 'f', phase: 'ready' });
  expect(episode!.goneAtMs).toBeUndefined();

  await world.advance(60_000); // idle for longer than it is kept
  expect(world.instancesOf('f')).toEqual([]);
  const [gone] = history.episodesOf('f');
  expect(gone!.goneAtMs).toBeGreaterThan(before + 30_000);
  await world.advance(620_000);
  expect(history.episodesOf('f')).toEqual([]);
});

it('forgets a function that was removed, and tells who listens', async () => {
  let looks = 0;
  const stop = history.onLook(() => {
    looks += 1;
  });
  await world.advance(4 * SAMPLE_MS);
  expect(looks).toBe(4);
  stop();
  world.controller.remove('f');
  await world.advance(2 * SAMPLE_MS);
  expect(history.samplesOf('f')).toEqual([]);
  expect(looks).toBe(4);
});
